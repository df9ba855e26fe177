// roomcast-bench: its oracle against a server that does wrong, each number against what that server says it did; its command line;
// and a small run against a real cluster.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, test } from "node:test";
import { BIN, clusterTest, ROOT } from "./lib/cluster.mjs";
import { SCALE, waitFor, within } from "./lib/wait.mjs";

const BENCH = join(BIN, "roomcast-bench");
const dir = mkdtempSync(join(tmpdir(), "roomcast-bench-"));
const secret = join(dir, "jwt.secret");
writeFileSync(secret, "0123456789abcdef0123456789abcdef\n", { mode: 0o600 });
after(() => rmSync(dir, { recursive: true, force: true }));

// Short, since nothing here is about speed.
const QUICK = ["--warmup", "0", "--settle", "0", "--patience", String(300 * SCALE), "-o", "json"];

function start(args, program = BENCH) {
    const child = spawn(program, args, { env: { ...process.env, ROOMCAST_JWT_SECRET: "" } });
    const result = { child, stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => { result.stdout += text; });
    child.stderr.setEncoding("utf8").on("data", (text) => { result.stderr += text; });
    result.ended = once(child, "close").then(([code]) => ({ ...result, code }));
    return result;
}

async function bench(...args) {
    const { code, stdout, stderr } = await within(`roomcast-bench ${args.join(" ")}`, start(args).ended, 60);
    return { code, stdout, stderr, json: stdout.startsWith("{") ? JSON.parse(stdout) : null };
}

/** Starts the faulty server: {url, stop() => what it did}. It ends with the test in any case. */
async function faulty(t, ...faults) {
    const child = spawn(process.execPath, [join(ROOT, "tests/load/faulty/server.mjs"), "--secret-file", secret, ...faults],
        { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (what) => JSON.parse((await within(what, lines.next())).value);
    const { url } = await next("the faulty server listens");
    return {
        url,
        async stop() {
            child.kill("SIGTERM");
            const done = await next("what the faulty server did");
            await within("the faulty server ends", once(child, "close"));
            return done;
        },
    };
}

const ADMINS = ["admins", "--secret_file", secret, "--admins", "20", "--users", "8", "--seconds", "1", ...QUICK];

/** A run of 500 messages to 20 admins against a server with these faults. */
async function against(t, faults, ...more) {
    const server = await faulty(t, ...faults);
    const run = await bench(...ADMINS, "--url", server.url, "--rate", "500", ...more);
    return { ...run, ...run.json.counters, done: await server.stop() };
}

const WRONG = ["lost", "doubled", "reordered", "stray", "garbled", "refused", "disconnects", "unconnected"];

describe("roomcast-bench", { concurrency: true }, () => {
    test("a sound server: nothing is found", async (t) => {
        const run = await against(t, []);
        assert.deepEqual(WRONG.filter((name) => run[name] !== 0), [], run.stdout);
        assert.deepEqual(run.json.oracle, { found: [], reasons: [] });
        assert.ok(run.sent > 400, `${run.sent} sent`);
        assert.equal(run.delivered, run.sent * 20);
        assert.equal(run.acked, run.sent);
        assert.equal(run.code, 0);
    });

    test("one delivery in 1,000 lost, doubled, or late: each is counted, and nothing else is", async (t) => {
        const run = await against(t, ["--drop", "1009", "--double", "1013", "--reorder", "1019"]);
        assert.ok(run.done.drop > 4 && run.done.double > 4 && run.done.reorder > 4, JSON.stringify(run.done));
        assert.equal(run.lost, run.done.drop);
        assert.equal(run.doubled, run.done.double);
        assert.equal(run.reordered, run.done.reorder);
        assert.deepEqual(run.json.oracle.found, ["lost", "doubled", "reordered"]);
        assert.equal(run.delivered, run.sent * 20 - run.lost + run.doubled);
        assert.equal(run.code, 1);
    });

    test("changed and misdirected messages, and refused acks, are found; what was refused is not owed", async (t) => {
        const run = await against(t, ["--garble", "1009", "--stray", "1013", "--refuse", "101"]);
        assert.equal(run.garbled, run.done.garble);
        assert.equal(run.stray, run.done.stray);
        assert.equal(run.refused, run.done.refuse);
        assert.equal(run.lost, run.garbled + run.stray); // to their receivers they are
        assert.deepEqual(run.json.oracle.reasons, [{ reason: 'ack: [{"error":"refused"}]', count: run.refused }]);
        assert.equal(run.code, 1);
    });

    test("connections that the server ends are told with the reason, and those turned away come back", async (t) => {
        const run = await against(t, ["--disconnect", "97", "--turn-away", "11"], "--allow", "disconnects");
        // The last one may be on its way when the bench has all it waits for.
        assert.ok([0, 1].includes(run.done.disconnect - run.disconnects) && run.disconnects > 0,
            `${run.disconnects} of ${run.done.disconnect}`);
        assert.equal(run.turned_away, run.done["turn-away"]);
        assert.deepEqual(run.json.oracle.reasons.map(({ reason }) => reason).sort(),
            ["WebSocket close 1011: told to", "connecting: HTTP 503"]);
        assert.equal(run.lost, 0);
        assert.equal(run.code, 0, "disconnects are allowed");
    });

    test("saturating, a lost delivery holds its place in the window no longer than the patience", async (t) => {
        const server = await faulty(t, "--drop", "503");
        const run = await bench(...ADMINS, "--url", server.url, "--window", "16");
        const done = await server.stop();
        assert.equal(run.json.counters.lost, done.drop);
        assert.ok(run.json.counters.stalled <= done.drop && run.json.counters.delivered > 500, run.stdout);
        assert.equal(run.code, done.drop > 0 ? 1 : 0);
    });

    test("a scenario file, whose options the command line overrides; SIGINT ends a run with its report", async (t) => {
        const file = join(dir, "short.json");
        writeFileSync(file, JSON.stringify({ scenario: "admins", admins: 5, users: 2, rate: 100, seconds: 60 }));
        const server = await faulty(t);
        const html = join(dir, "report.html");
        const run = start(["--file", file, "--url", server.url, "--secret_file", secret, "--admins", "3", ...QUICK,
            "--progress", "yes", "--html", html]);
        await waitFor("messages are under way", () => /measuring.* [1-9]\d* delivered/.test(run.stderr));
        run.child.kill("SIGINT");
        const { code, stdout } = await within("the end", run.ended);
        const json = JSON.parse(stdout);
        assert.deepEqual([json.admins, json.users, json.rate, json.interrupted], [3, 2, 100, true]);
        assert.equal(json.counters.delivered, json.counters.sent * 3);
        assert.equal(code, 0);
        assert.match(readFileSync(html, "utf8"), /^<!doctype html>[\s\S]*<svg[\s\S]*<\/html>\n$/);
        await server.stop();
    });

    test("what is wrong with the command line is said, with the exit code of its kind", async () => {
        const wrong = async (code, text, ...args) => {
            const run = await bench(...args);
            assert.match(run.stderr, text);
            assert.equal(run.code, code, run.stderr);
        };
        const bad = join(dir, "bad.json");
        writeFileSync(bad, '{"scenario": "admins",\n "admins": 1.5}');
        await wrong(64, /scenario "nothing" is none of connect, idle/, "nothing");
        await wrong(64, /unknown flag "--admin", did you mean --admins\?/, "admins", "--admin", "4");
        await wrong(64, /no server: give --url/, "admins", "--secret_file", secret);
        await wrong(64, /give a rate \(paced\) or a window/, "admins", "--url", "http://127.0.0.1:1", "--window", "0");
        await wrong(64, /bad.json: admins: give a text, a whole number/, "--file", bad);
        await wrong(64, /url: localhost does not begin with http/, "idle", "--url", "localhost", "--secret_file", secret);
        await wrong(64, /allow: lots is nothing that can be found/, "idle", "--url", "http://127.0.0.1:1", "--allow", "lots");
        await wrong(69, /no client could connect to http:\/\/127.0.0.1:1\n/, ...ADMINS, "--url", "http://127.0.0.1:1");
        const help = await bench("--help");
        assert.equal(help.code, 0);
        assert.match(help.stdout, /reconnect +all connections are dropped at once/);
    });
});

test("roomcast-floor, the least that can serve this: nothing is found, and it ends with 0", async (t) => {
    const floor = start([], join(BIN, "roomcast-floor"));
    t.after(() => floor.child.kill("SIGKILL"));
    const url = await waitFor("it prints its URL", () => /"url":"([^"]+)"}\n/.exec(floor.stdout)?.[1]);
    const run = await bench("mixed", "--secret_file", secret, "--url", url, "--admins", "10", "--users", "40", "--rate", "500",
        "--churn", "20", "--seconds", "1", ...QUICK);
    assert.deepEqual(run.json.oracle, { found: [], reasons: [] }, run.stdout + floor.stderr);
    assert.ok(run.json.counters.sent > 400 && run.json.counters.left >= 5, run.stdout);
    assert.equal(run.json.counters.acked, run.json.counters.sent);
    floor.child.kill("SIGTERM");
    const { code, stderr } = await within("its end", floor.ended);
    assert.deepEqual([code, stderr], [0, ""]);
    const help = await within("its help", start(["--help"], join(BIN, "roomcast-floor")).ended);
    assert.match(help.stdout, /^roomcast-floor [\d.]+: a measuring instrument, not a server/);
});

test("tests/load/compare --render: with the floor and its shares, and from results that have none", async () => {
    const report = (value, servers) => ({
        measured: { delivered_per_cpu_second: value, delivered_per_second: 100, seconds: 10, server_cpu: 1 },
        delivery: { count: 1000, p50: 1, p99: 2, "p99.9": 3 }, oracle: { found: [] }, ...(servers && { servers }),
    });
    const render = async (row) => {
        const [from, to] = [join(dir, "results.json"), join(dir, "page.md")];
        writeFileSync(from, JSON.stringify({ cpu: "x", date: "d", seconds: "1", rounds: "1",
            rows: { "user to user, 200 under way": { socketio: report(20), redis: report(10), ...row } } }));
        const run = start(["--render", from, "--out", to], join(ROOT, "tests/load/compare"));
        const { code, stderr } = await within("compare", run.ended);
        assert.equal(code, 0, stderr);
        return readFileSync(to, "utf8");
    };
    const spent = (name, cpu_seconds, system_seconds) => ({ name, cpu_seconds, system_seconds });
    const servers = [spent("gateway-1", 0.01, 0.004), spent("gateway-2", 0.02, 0.006), spent("broker-1", 0.005, 0.001)];
    const page = await render({ roomcast: report(30, servers), floor: report(60, [spent("roomcast-floor", 0.004, 0.003)]) });
    assert.match(page, /\| 3\.00 x \| 60 \| 50 % \| 4 x, 67 % of the floor: not reached \|/);
    assert.match(page, /\| Roomcast \| 30\.00 \(10\.00\) \| 5\.00 \(1\.00\) \|  \| 35\.00 \(11\.00\) \|/);
    assert.match(page, /\| floor \|  \|  \|  \| 4\.00 \(3\.00\) \|/);
    const old = await render({ roomcast: report(30) });
    assert.match(old, /\| 3\.00 x \|  \|  \| 4 x: not reached \|/);
    assert.doesNotMatch(old, /roomcast-floor|Where the time goes/);
});

clusterTest("a cluster under a mixed load", { gateways: 2, brokers: 1, persisters: 1 }, async (cluster, step) => {
    await step("nothing is found, and the servers' cost is measured", async () => {
        const run = await bench("mixed", "--cluster", join(cluster.dir, "cluster.json"), "--admins", "10", "--users", "40",
            "--rate", "100", "--churn", "20", "--seconds", "1", "--workers", "2", ...QUICK, "--patience", String(5000 * SCALE));
        assert.deepEqual(run.json.oracle.found, [], run.stdout);
        assert.equal(run.code, 0);
        assert.ok(run.json.counters.left >= 5, "clients came and went");
        assert.ok(run.json.measured.delivered_per_cpu_second > 0 && run.json.samples.length > 1);
        const { servers, measured } = run.json;
        assert.deepEqual(servers.map(({ name }) => name).sort(), cluster.nodes.map(({ name }) => name).sort());
        const sum = servers.reduce((total, { cpu_seconds }) => total + cpu_seconds, 0);
        assert.ok(Math.abs(sum - measured.server_cpu * measured.seconds) < 1e-6, "their sum is that of all");
        assert.ok(servers.every(({ cpu_seconds, system_seconds }) => system_seconds >= 0 && system_seconds <= cpu_seconds));
    });
});
