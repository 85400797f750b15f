import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { EndpointState } from "../../../hub/endpoint/index.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { LivestatusConnection } from "../../lab/livestatus.ts";
import { Client, placesOf } from "../client.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
/** Seconds: no test may need it. */
const DRAIN = 60;
const ANSWER = Buffer.alloc(200_000, "answer ");
const HEAD = `200 ${String(ANSWER.length).padStart(11)}\n`;

const ROW = JSON.stringify([[1_790_000_000, 4711, "core", "core", 1, 2]]);
const STATUS = `200 ${String(ROW.length).padStart(11)}\n${ROW}`;

/** A core that answers each question when it is told to, or at once; the agent's own are answered at once. */
class Core {
  readonly #waiting: (() => void)[] = [];
  slow = false;
  asked = 0;
  readonly path = join(lab.folder, "core.sock");

  async start(): Promise<this> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
    lab.cleanup.add("stop the core", () => void server.close());
    return this;
  }

  #serve(socket: Socket): void {
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      if (chunk.includes("program_start")) {
        socket.end(STATUS);
        return;
      }
      this.asked++;
      // half of it, and the rest when it is time
      socket.write(HEAD);
      socket.write(ANSWER.subarray(0, 50_000));
      const rest = () => void socket.end(ANSWER.subarray(50_000));
      if (this.slow) this.#waiting.push(rest);
      else rest();
    });
  }

  /** Answers what waits, and all else at once. */
  answer(): void {
    this.slow = false;
    for (const rest of this.#waiting.splice(0)) rest();
  }
}

const QUERY = "GET hosts\nColumns: name state\nOutputFormat: json\nResponseHeader: fixed16\n";
const core = await new Core().start();
const echo = await Target.start(manners.echo, lab.cleanup);
let hub: TestHub;
let agent: TestAgent;
let livestatus: EndpointState;

beforeAll(async () => {
  hub = await lab.startHub({ limits: { drain_seconds: DRAIN, return_seconds: 0 } });
  agent = await lab.connect(hub, PATH, {
    services: { livestatus: `unix:${core.path}`, ec: echo.name },
    limits: { drain_seconds: DRAIN },
  });
  livestatus = await hub.endpoint(PATH, "livestatus");
});

const isOnline = () =>
  until("the core to be online", async () => (await hub.site(PATH)).livestatus.state === "online");
/** Asks again and again, over a new connection each time or over one that is kept, until it is told to stop. */
class Asker {
  answered = 0;
  /** Answers of the hub's own that say why there is none. */
  readonly refused: string[] = [];
  /** Connections that were not taken, or ended before the first byte of an answer to a request that came too late. */
  turnedAway = 0;
  /** What must not be. */
  readonly wrong: string[] = [];
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(private readonly keep: boolean) {
    this.#done = this.#run();
    onTestFinished(() => this.stop());
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const connection = new LivestatusConnection({ unix: livestatus.socket });
      try {
        await this.#ask(connection, 0);
        for (let turn = 1; this.keep && !this.#stopped; turn++) await this.#ask(connection, turn);
      } catch {
        this.turnedAway++;
        await Bun.sleep(5);
      } finally {
        connection.close();
      }
    }
  }

  /** Throws where nothing at all came to a request that the other side need not have taken any more. */
  async #ask(connection: LivestatusConnection, turn: number): Promise<void> {
    connection.send(`${QUERY}${this.keep ? "KeepAlive: on\n" : ""}\n`);
    let response: Awaited<ReturnType<LivestatusConnection["response"]>>;
    try {
      response = await connection.response();
    } catch (error) {
      const { received } = connection;
      // a connection that was taken is answered; one that is kept may end between two answers
      if (received > 0) this.wrong.push(`broken after ${received} bytes: ${error}`);
      else if (connection.connected && turn === 0) this.wrong.push(`taken and not answered: ${error}`);
      throw error;
    }
    if (response.code === 200 && response.body.equals(ANSWER)) this.answered++;
    else if (response.code === 502) this.refused.push(response.body.toString());
    else this.wrong.push(`an answer ${response.code} of ${response.body.length} bytes`);
  }
}

describe("stopped while clients ask without pause", () => {
  /** Runs `restart` while they ask, and says what they saw. */
  async function during(restart: () => Promise<void>): Promise<Asker[]> {
    await isOnline();
    const askers = [new Asker(false), new Asker(false), new Asker(true), new Asker(true)];
    const all = (more: number) => {
      const from = askers.map(({ answered }) => answered);
      return until("all to be answered", () =>
        askers.every(({ answered }, at) => answered >= (from[at] ?? 0) + more),
      );
    };
    await all(5);
    await restart();
    await isOnline();
    await all(5);
    await Promise.all(askers.map((asker) => asker.stop()));
    expect(askers.flatMap(({ wrong }) => wrong)).toEqual([]);
    return askers;
  }

  test("a hub breaks no answer and loses no question", async () => {
    await during(async () => {
      await hub.stop();
      expect(hub.process.output).not.toContain("connections are cut");
      await hub.start();
      await hub.reaches(PATH, "connected");
    });
  });

  test("an agent breaks no answer and loses no question; what is asked meanwhile is refused with the reason", async () => {
    const askers = await during(async () => {
      await agent.stop();
      expect(agent.process.output).not.toContain("connections are cut");
      await until("a question to be refused", async () => {
        const probe = new LivestatusConnection({ unix: livestatus.socket }, { timeoutMs: 500 });
        probe.send(`${QUERY}\n`);
        return (await probe.response().finally(() => probe.close())).code === 502;
      });
      await agent.start();
      await hub.reaches(PATH, "connected");
    });
    const reasons = new Set(askers.flatMap(({ refused }) => refused));
    expect(reasons.size).toBeGreaterThan(0);
    for (const reason of reasons)
      expect(reason).toMatch(/is being stopped or restarted|the agent stops|not said yet|not connected/);
  });
});

describe("an answer that takes its time", () => {
  /** A question whose answer has begun, and how it ends. */
  async function ask(): Promise<{ body: Promise<Buffer> }> {
    await isOnline();
    core.slow = true;
    const before = core.asked;
    const connection = new LivestatusConnection({ unix: livestatus.socket }, { timeoutMs: 45_000 });
    connection.send(`${QUERY}\n`);
    await until("the question to be asked", () => core.asked > before && connection.received > 0);
    const body = connection.response().then((response) => response.body);
    // looked at later
    body.catch(() => {});
    return { body };
  }
  const gone = (path: string) =>
    until(
      `${path} to be gone`,
      async () => !(await Bun.file(path).exists()) && (await Client.to({ path }).over()).broken !== undefined,
    );

  test.each(["hub", "agent"] as const)("comes whole although the %s is stopped", async (side) => {
    const its = side === "hub" ? hub : agent;
    const { body } = await ask();
    const stopped = its.stop();
    if (side === "hub") await gone(livestatus.socket);
    else {
      await until("new questions to be refused", async () => {
        const probe = new LivestatusConnection({ unix: livestatus.socket }, { timeoutMs: 500 });
        probe.send(`${QUERY}\n`);
        return (await probe.response().finally(() => probe.close())).code === 502;
      });
    }
    core.answer();
    expect((await body).equals(ANSWER)).toBe(true);
    await stopped;
    await its.start();
    await hub.reaches(PATH, "connected");
  });

  test("a second signal ends it at once", async () => {
    const { body } = await ask();
    hub.process.signal("SIGTERM");
    await gone(livestatus.socket);
    hub.process.signal("SIGTERM");
    await expect(body).rejects.toThrow();
    expect(await hub.process.exited).toMatchObject({ code: 0 });
    expect(hub.process.output).toContain("connections are cut");
    core.answer();
    await hub.start();
    await hub.reaches(PATH, "connected");
  });

  test("a connection in which nothing is understood is waited for, too", async () => {
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "ec")).tcp).send("one ");
    await until("an echo", () => client.received === 4);
    const stopped = hub.stop();
    await gone(livestatus.socket);
    await client.send("two");
    expect((await client.end().all()).toString()).toBe("one two");
    await stopped;
    await hub.start();
  });
});
