// The command line of roomcast-sim: what a failing seed tells, whether its replay line is true, and whether processes that share
// the seeds come to the same sums as one.
//
// usage: node tests/sim/command.test.mjs [--sim build/bin/roomcast-sim]
import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { values: options } = parseArgs({ options: { sim: { type: "string", default: join(root, "build/bin/roomcast-sim") } } });

function sim(text) {
  const { status, stdout, stderr } = spawnSync(options.sim, text.split(" "), { encoding: "utf8", maxBuffer: 1 << 28 });
  return { status, stdout, stderr };
}

const tests = {
  "a failing seed tells its story"() {
    const { status, stdout } = sim("--seeds 7 --faults crashB,flap --nodes 3b2g2p --k 2 --max-delay 1");
    assert.equal(status, 1);
    assert.match(stdout, /^seed 7 FAILED  B3 G2 P2 k2 .*crashB B\d/m);
    const message = stdout.match(/replay: roomcast-sim .* --watch (\d+)/)[1];
    assert.match(stdout, /\| +[\d.]+  \* B\d +is killed/, "its faults");
    assert.match(stdout, new RegExp(`m${message}: socket \\d+ sends it`), "the way of the message");
    assert.match(stdout, new RegExp(`m${message}: socket \\d+ has it`));
    assert.match(stdout, /VIOLATION P6: a delivery took/, "and how it ends");
  },

  "the replay line fails in the same way, and shows more"() {
    const { stdout } = sim("--seeds 1-3 --faults crashB --max-delay 1 --tight --stop");
    const clear = sim("--seeds 1-9 --faults crashB --max-delay 1 --stop").stdout;
    assert.match(stdout, /3 passed, 0 failed/, "tight bounds make their own delays");
    const [, line] = clear.match(/replay: roomcast-sim (.*)/);
    const again = sim(line);
    assert.equal(again.status, 1);
    assert.equal(again.stdout.match(/^ {2}P6 @.*/m)[0], clear.match(/^ {2}P6 @.*/m)[0]);
    assert.ok(again.stdout.split("\n").length > 100);
  },

  "processes that share the seeds come to the same sums"() {
    const sums = (text) => sim(text).stdout.replace(/ in [\d.]+ s/, "");
    const one = sums("--mode storm --seeds 11-17");
    assert.match(one, /7 passed, 0 failed/);
    assert.equal(sums("--mode storm --seeds 11-17 --jobs 3"), one);
    assert.match(sums("--seeds 1-8 --faults crashB --max-delay 1 --jobs 3"), /\d passed, [1-8] failed/);
  },

  "wrong usage says what would be right"() {
    for (const [text, words] of [["--nodes 3x", /'3x' is not like 3b2g1p/], ["--faults nix", /there is no 'nix'/],
      ["--mode none --faults brk", /exclude each other/], ["--jobs 0", /'0' is not 1 to 256/], ["--mode calm", /is none of none, single/]]) {
      const { status, stderr } = sim(text);
      assert.equal(status, 64, text);
      assert.match(stderr, words);
    }
  },
};

let failed = 0;
for (const [name, run] of Object.entries(tests))
  try {
    run();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
process.exitCode = failed ? 1 : 0;
