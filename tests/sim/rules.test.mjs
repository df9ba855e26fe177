// Takes each rule of the protocol out of the core, one at a time, and expects the simulator to turn red: what no test notices is
// no rule. See rules.mjs for the list, README.md for what to do when an entry fails.
//
// usage: node tests/sim/rules.test.mjs [--build FOLDER] [--only TEXT] [--keep]
// --keep leaves the simulator without the rule in the build folder, to be tried with other faults.
//
// For each entry one source file is copied, changed, compiled with its own flags and linked in front of the core's library. The
// sound simulator then runs the very seeds that turned red, and must be green.
import assert from "node:assert";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rules } from "./rules.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const { values: options } = parseArgs({ options: { build: { type: "string" }, only: { type: "string" },
  keep: { type: "boolean" } } });
const build = resolve(options.build ?? join(root, "build"));
const cluster = join(root, "common/cluster");
const work = join(build, "tests/sim/rules");
const sound = join(build, "bin/roomcast-sim");
const SEEDS = 150;     // tried until one is red; most are within 20
const COST_SEEDS = 20; // of which a cost is the sum

// Never rejects: { code, signal, stdout, stderr }.
function run(program, args, cwd = work) {
  return new Promise((done) => {
    execFile(program, args, { cwd, maxBuffer: 1 << 28, timeout: 120_000 }, (error, stdout, stderr) =>
      done({ code: error ? error.code ?? null : 0, signal: error?.signal ?? null, stdout, stderr }));
  });
}

function must(result, what) {
  assert.ok(result.code === 0, `${what}: ${result.stderr}${result.stdout}`);
}

// ---- building

const commands = JSON.parse(readFileSync(join(build, "compile_commands.json"), "utf8"));

// Files are named once in the core, whatever folder they are in.
function pathOf(file) {
  const path = ["", "gateway", "broker", "persister"].map((folder) => join(cluster, folder, file)).find(existsSync);
  assert.ok(path, `${file} is not in common/cluster`);
  return path;
}

// The source without its rule; an error when the list does not keep up with the code.
function mutate({ file, from, to }) {
  const parts = readFileSync(pathOf(file), "utf8").split(from);
  assert.equal(parts.length, 2, `${file} has the text to replace ${parts.length - 1} times, not once:\n${from}`);
  return parts.join(to);
}

// Less optimisation compiles faster, and a rule's removal may leave a variable unused.
function compileLine(file, source, object) {
  const entry = commands.find((c) => c.file === pathOf(file));
  assert.ok(entry, `${file} is not in compile_commands.json of ${build}`);
  return `${entry.command.replace(/ -o \S+ -c .*$/, "")} -O1 -w -o '${object}' -c '${source}'`;
}

const linkSimulator = (object, program) => ["-o", program, join(build, "tests/sim/CMakeFiles/roomcast-sim.dir/main.c.o"), object,
  "-Wl,--wrap=rc_placement_new,--wrap=rc_placement_free,--undefined=__wrap_rc_placement_new",
  join(build, "tests/sim/librc_sim.a"), join(build, "common/cluster/librc_cluster.a"), "-lxxhash"];
const linkUnit = (unit, object, program) => ["-o", program,
  join(build, `tests/CMakeFiles/unit-cluster-${unit}.dir/unit/cluster/test_${unit}.c.o`), object,
  join(build, "common/cluster/librc_cluster.a"), "-lcmocka", "-lxxhash"];

async function withoutRule(rule, folder) {
  const source = join(folder, rule.file), object = join(folder, "rule.o"), program = join(folder, "program");
  mkdirSync(folder, { recursive: true });
  writeFileSync(source, mutate(rule));
  const line = compileLine(rule.file, source, object);
  must(await run("/bin/sh", ["-c", line], build), `${rule.file} does not compile without the rule`);
  must(await run(line.split(" ")[0], rule.unit ? linkUnit(rule.unit, object, program) : linkSimulator(object, program)), "link");
  return program;
}

// ---- judging

const simArgs = (text, [first, last], ...more) => ["--seeds", `${first}-${last}`, ...text.split(" ").filter(Boolean), ...more];

// Arguments -> [first, last] of the seeds that the sound build has to stand.
const stood = new Map();
function mustStand(run, [first, last]) {
  const [a, b] = stood.get(run) ?? [first, last];
  stood.set(run, [Math.min(a, first), Math.max(b, last)]);
}

// A seed with a violation, or one that the core did not survive.
async function turnsRed(rule, program) {
  const [first, last] = [1, SEEDS];
  const { code, signal, stdout } = await run(program, simArgs(rule.run, [first, last], "--stop", "--jobs", "1"));
  const seen = stdout.match(/^seed (\d+) FAILED.*\n +(.*)/m);
  assert.ok(code !== 0 && (signal || seen), `the simulator does not notice that this rule is gone: ${rule.run}, seeds ${first} to ${last}`);
  mustStand(rule.run, [first, seen ? Number(seen[1]) : last]);
  return seen ? `seed ${seen[1]}: ${seen[2]}` : `the core ends with ${signal}`;
}

const total = (stdout, name) => Number(stdout.match(new RegExp(`\\b${name} (\\d+)`))[1]);

// The rule saves something: without it this number is so much larger.
async function costs(rule, program) {
  const args = simArgs(rule.run, [1, COST_SEEDS]);
  const [without, with_] = await Promise.all([run(program, args), run(sound, args)]);
  must(with_, "the sound build");
  const [more, less] = [total(without.stdout, rule.cost), total(with_.stdout, rule.cost)];
  assert.ok(more >= (rule.times ?? 2) * Math.max(less, 1), `${rule.cost}: ${less} with the rule, ${more} without`);
  return `${rule.cost}: ${less} with the rule, ${more} without`;
}

async function failsUnit(rule, program) {
  const { code, signal, stdout, stderr } = await run(program, []);
  assert.ok(code !== 0 || signal, `test_${rule.unit} does not notice that this rule is gone`);
  return `test_${rule.unit}: ${(stdout + stderr).match(/\[  FAILED  \] (\w+):?/)?.[1] ?? signal}`;
}

// ---- the run

let passed = 0, failed = 0;
function tell(good, name, what) {
  if (good) passed++;
  else failed++;
  console.log(`${good ? "ok     " : "FAILED "} ${name.padEnd(64)} ${what}`);
}

async function check(rule, folder) {
  try {
    const program = await withoutRule(rule, folder);
    tell(true, rule.rule, await (rule.unit ? failsUnit : rule.cost ? costs : turnsRed)(rule, program));
  } catch (error) {
    tell(false, rule.rule, error.message);
  }
  if (options.keep)
    console.log(`        ${join(folder, "program")}`);
  else
    rmSync(folder, { recursive: true, force: true });
}

async function stand([args, seeds]) {
  const { code, stdout } = await run(sound, simArgs(args, seeds));
  if (code !== 0)
    tell(false, `the sound build stands ${args}`, stdout);
}

async function twoAtATime(list, work) {
  let next = 0;
  const worker = async () => { while (next < list.length) { const i = next++; await work(list[i], i); } };
  await Promise.all([worker(), worker()]);
}

mkdirSync(work, { recursive: true });
const chosen = rules.filter((rule) => rule.rule.includes(options.only ?? ""));
await twoAtATime(chosen, (rule, i) => check(rule, join(work, String(i))));
await twoAtATime([...stood], stand);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
