import { Command } from "commander";
import { expect, test } from "vitest";
import { leaves, manualPage, pathOf, roff } from "../../../packaging/manual.ts";
import { PRODUCTS } from "../../../packaging/product.ts";

const RELEASE = { version: "0.2.0~git1.abc", commit: "abc", epoch: 0, maintainer: "A <a@b>" };

test.each(PRODUCTS)("the manual page of $name has every command with every option of its help", (product) => {
  const page = manualPage(product, product.program(), RELEASE);
  const commands = leaves(product.program());
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    expect(page).toContain(`.SS "${roff(pathOf(command).join(" "))}`);
    const help = command.createHelp();
    for (const option of help.visibleOptions(command)) {
      expect(page).toContain(roff(help.optionTerm(option)));
      expect(page).toContain(roff(help.optionDescription(option)));
    }
  }
  expect(page).toContain("Exit status: 0 done, 1 failed, 2 wrong usage.");
});

test("text means itself: nothing in it is taken for a request, an escape or typography", () => {
  expect(roff(".TH 'x' \\fB --json `a`")).toBe("\\&.TH \\(aqx\\(aq \\efB \\-\\-json \\(gaa\\(ga");
  expect(roff("'tis")).toBe("\\&\\(aqtis");
});

test("commands below others are named by all words, hidden ones not at all", () => {
  const program = new Command("p");
  const group = program.command("group");
  group.command("one");
  program.command("two");
  program.command("secret", { hidden: true });
  expect(leaves(program).map((each) => pathOf(each).join(" "))).toEqual(["group one", "two"]);
});
