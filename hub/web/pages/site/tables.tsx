/** @jsxImportSource hono/jsx */
/** The tables of a site's page. */
import type { SeenDetails } from "../../../access/index.ts";
import type { EndpointState } from "../../../endpoint/index.ts";
import type { Connect } from "../../../history/index.ts";
import { bytes, count, span } from "../../view/index.ts";
import { Badge, Copy, Moment, Since } from "../parts/index.ts";

interface EndpointsProps {
  endpoints: readonly EndpointState[];
  services: readonly string[];
  /** What the agent offers; empty: it does not say. */
  offers: readonly string[];
}

export function Endpoints({ endpoints, services, offers }: EndpointsProps) {
  const closed = services.filter((service) => !endpoints.some((each) => each.service === service));
  return (
    <>
      <table class="blocks">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col">Address</th>
            <th scope="col">Unix socket</th>
            <th scope="col" class="num">
              Clients
            </th>
          </tr>
        </thead>
        <tbody>
          {endpoints.map(({ service, state, reason, address, port, socket, clients }) => (
            <tr>
              <th scope="row">
                {service}{" "}
                {offers.length > 0 && !offers.includes(service) && (
                  <b class="mark">not offered by the agent</b>
                )}
              </th>
              <td>
                <Badge tone={state === "listening" ? "ok" : "crit"} text={state} /> {reason}
              </td>
              <td data-title="Address">
                <Copy text={`${address}:${port}`} label={`address of ${service}`} />
              </td>
              <td data-title="Socket">
                <Copy text={socket} label={`socket of ${service}`} />
              </td>
              <td class="num" data-title="Clients">
                {count(clients)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {closed.length > 0 && <p class="soft">Not open: {closed.join(", ")}</p>}
    </>
  );
}

export function Inbox({ inbox }: { inbox: SeenDetails["inbox"] }) {
  if (inbox.length === 0) return <p class="soft">Its agent has sent nothing yet.</p>;
  return (
    <table class="blocks">
      <thead>
        <tr>
          <th scope="col">Lane</th>
          <th scope="col" class="num">
            Waiting
          </th>
          <th scope="col" class="num">
            Received
          </th>
          <th scope="col" class="num">
            Refused
          </th>
          <th scope="col">Goes to</th>
        </tr>
      </thead>
      <tbody>
        {inbox.map(({ lane, waiting, bytes: size, received, receivedPerMinute, refused, problem, sinks }) => (
          <tr>
            <th scope="row">{lane}</th>
            <td class="num" data-title="Waiting">
              {count(waiting)}
              {waiting > 0 && ` (${bytes(size)})`}
            </td>
            <td class="num" data-title="Received">
              {count(received)}, {count(receivedPerMinute)}/min
            </td>
            <td class="num" data-title="Refused">
              {count(refused)}
            </td>
            <td>
              {problem !== undefined && <p class="wrong">{problem}</p>}
              {sinks.map((sink) => (
                <p>
                  {sink.kind} {sink.sink}: {count(sink.landed)} landed
                  {sink.waiting > 0 && `, ${count(sink.waiting)} waiting`}
                  {sink.failed > 0 && `, ${count(sink.failed)} failed`}
                  {sink.problem !== undefined && <span class="warn"> {sink.problem}</span>}
                </p>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Connects({ connects, now }: { connects: readonly Connect[]; now: number }) {
  if (connects.length === 0) return <p class="soft">None since the hub was started.</p>;
  return (
    <table class="blocks">
      <thead>
        <tr>
          <th scope="col">Began</th>
          <th scope="col">Lasted</th>
          <th scope="col">Carrier</th>
          <th scope="col">From</th>
          <th scope="col">Session</th>
          <th scope="col">Why it ended</th>
        </tr>
      </thead>
      <tbody>
        {connects.map(({ at, ended, reason, carrier, peer, resumed }) => (
          <tr>
            <td>
              <Moment at={new Date(at).toISOString()} />
            </td>
            <td class="keep" data-title="Lasted">
              {span((ended ?? now) - at)}
            </td>
            <td>{carrier}</td>
            <td>{peer}</td>
            <td>{resumed ? "went on" : "new"}</td>
            <td>{ended === undefined ? <Badge tone="ok" text="there now" /> : (reason ?? "")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Central({ lines }: { lines: NonNullable<SeenDetails["central"]> }) {
  return (
    <table class="blocks">
      <thead>
        <tr>
          <th scope="col">Line</th>
          <th scope="col">Target</th>
          <th scope="col" class="num">
            Open
          </th>
          <th scope="col" class="num">
            Opened
          </th>
          <th scope="col" class="num">
            Turned away
          </th>
          <th scope="col">Datagrams</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ line, target, from, open, opened, limited, unreachable, datagrams }) => (
          <tr>
            <th scope="row">{line}</th>
            <td>
              {target}
              {from !== undefined && <span class="soft"> from {from}</span>}
            </td>
            <td class="num" data-title="Open">
              {count(open)}
            </td>
            <td class="num" data-title="Opened">
              {count(opened)}
            </td>
            <td class="num" data-title="Turned away">
              {count(limited + unreachable)}
            </td>
            <td>
              {datagrams &&
                `${count(datagrams.received)} received, ${count(datagrams.dropped + datagrams.lost)} lost`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Syncs({ syncs, now }: { syncs: SeenDetails["syncs"]; now: number }) {
  if (syncs.length === 0) return <p class="soft">None went through this hub since it was started.</p>;
  return (
    <table class="blocks">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Call</th>
          <th scope="col">Result</th>
          <th scope="col" class="num">
            Took
          </th>
          <th scope="col" class="num">
            Sent
          </th>
        </tr>
      </thead>
      <tbody>
        {syncs.toReversed().map(({ time, command, ok, status, reason, seconds, sent }) => (
          <tr>
            <td>
              <Since at={time} now={now} /> ago
            </td>
            <th scope="row">{command}</th>
            <td>
              <Badge tone={ok ? "ok" : "crit"} text={ok ? "done" : "failed"} />{" "}
              {!ok && [status, reason].filter((part) => part !== undefined).join(", ")}
            </td>
            <td class="num" data-title="Took">
              {seconds.toFixed(1)} s
            </td>
            <td class="num" data-title="Sent">
              {bytes(sent)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
