// roomcastctl status: every node is a row, and none that is dead, silent or mad makes it wait or fail.
import assert from "node:assert/strict";
import http from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, clusterTest, run } from "./lib/cluster.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const KEYS = ["name", "role", "version", "state", "reason", "address", "link", "admin", "incarnation", "uptime_s", "connections", "relayed", "rooms",
    "messages_in_total", "messages_out_total", "messages_in_per_s", "messages_out_per_s", "queue_bytes", "memory_bytes", "lag",
    "partitions", "metrics", "map"];
const ctl = (...args) => run(join(BIN, "roomcastctl"), args);

async function rowsOf(promise) {
    const { code, stdout, stderr } = await promise;
    assert.ok([0, 69].includes(code), stderr);
    const rows = JSON.parse(stdout).nodes;
    return { code, rows, row: (name) => rows.find((row) => row.name === name) };
}

clusterTest("roomcastctl", { gateways: 2, brokers: 3, persisters: 1 }, async (cluster, step) => {
    const names = cluster.nodes.map((node) => node.name);

    await step("JSON has every node with every key", async () => {
        const { code, rows, row } = await rowsOf(cluster.ctl("status", "-o", "json"));
        assert.equal(code, 0);
        assert.deepEqual(rows.map(({ name }) => name), names);
        for (const node of cluster.nodes) {
            const status = row(node.name);
            KEYS.forEach((key) => assert.ok(key in status, `${node.name} has ${key}`));
            assert.equal(status.up, true);
            assert.equal(status.role, node.role);
            assert.equal(status.address, node.url ?? node.link);
            assert.equal(status.admin, node.admin);
            assert.deepEqual(status.partitions, node.role === "gateway" ? { admins: 4 } : {});
            assert.ok(status.memory_bytes > 100000 && status.incarnation > 0);
        }
    });

    await step("the numbers follow the clients", async () => {
        const ana = await cluster.connect({ user: "ana", gateway: 1 });
        await cluster.connect({ user: "luis", gateway: 2 });
        await ana.sendStored("luis", "hola");
        const { row } = await rowsOf(cluster.ctl("status", "-o", "json"));
        assert.equal(row("gateway-1").connections, 1);
        assert.equal(row("gateway-1").rooms, 1);
        assert.equal(row("gateway-1").messages_in_total, 1);
        assert.ok(row("gateway-2").messages_out_total >= 1);
        assert.ok(row("persister-1").messages_out_total >= 1);
        assert.ok(row("persister-1").lag === 0);
        await waitFor("a rate above 0", async () =>
            (await rowsOf(cluster.ctl("status", "-o", "json"))).row("gateway-1").messages_in_per_s > 0);
    });

    await step("the table fits 120 columns", async () => {
        const { code, stdout } = await cluster.ctl("status");
        const lines = stdout.trimEnd().split("\n");
        assert.equal(code, 0);
        assert.match(lines[0], /^NAME +ROLE +ADDRESS +STATE +VERSION +CONNS +RELAY +ROOMS +IN\/s +OUT\/s +QUEUE +MEMORY +UPTIME +LAG$/);
        assert.equal(lines.length, names.length + 2);
        lines.forEach((line) => assert.ok(line.length <= 120, line));
        assert.match(lines.at(-1), /^6 nodes: 6 up, 0 down;/);
        assert.ok(!stdout.includes("\x1b"), "no colours when it is not a terminal");
    });

    await step("any one node gives the map of the cluster", async () => {
        for (const node of cluster.nodes) {
            const { rows } = await rowsOf(ctl("--node", node.admin, "status", "-o", "json"));
            assert.deepEqual(rows.map(({ name }) => name), names, `asked ${node.name}`);
        }
    });

    await step("a dead node is a row, also when only the map knows it", async () => {
        await cluster.kill("broker-2");
        for (const args of [["--cluster", join(cluster.dir, "cluster.json")], ["--node", cluster.node("gateway-1").admin]]) {
            const { code, rows, row } = await rowsOf(ctl(...args, "status", "-o", "json"));
            assert.equal(code, 69);
            assert.equal(rows.length, names.length);
            assert.equal(row("broker-2").up, false);
            assert.equal(row("broker-2").state, "down");
            assert.notEqual(row("broker-2").error, "");
        }
        const { stdout } = await cluster.ctl("status");
        assert.match(stdout, /^broker-2 +broker +127\.0\.0\.1:\d+ +down /m);
        assert.match(stdout, /^broker-2 is down: /m);
        assert.match(stdout, /^6 nodes: 5 up, 1 down;/m);
        await cluster.startNodes("broker-2");
    });

    await step("a node that hangs is a row after the time limit, the others are complete", async () => {
        await cluster.kill("gateway-2", "STOP");
        const begin = Date.now();
        const { code, rows, row } = await rowsOf(cluster.ctl("--timeout", "1", "status", "-o", "json"));
        const took = Date.now() - begin;
        await cluster.kill("gateway-2", "CONT");
        assert.equal(code, 69);
        assert.match(row("gateway-2").error, /no answer within 1\.0 s/);
        assert.equal(rows.filter(({ up }) => up).length, names.length - 1);
        assert.ok(took < 2500, `took ${took} ms`);
    });
});

/** Serves one admin listener whose /status is what body says; returns what roomcastctl made of it. */
async function askFake(body, ...args) {
    const server = http.createServer((request, answer) => body(answer, request)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const result = await ctl("--node", `127.0.0.1:${server.address().port}`, "--timeout", String(SCALE),
        ...(args.length ? args : ["status"]));
    server.closeAllConnections?.();
    server.close();
    return result;
}

test("answers that are not a status are told, not believed", async () => {
    const cases = [
        [(answer) => answer.end("<html>"), /not a status/],
        [(answer) => answer.end("\x1b[2J"), /^[^\x1b]*not a status[^\x1b]*$/],
        [(answer) => answer.end("{}"), /name or role is missing/],
        [(answer) => { answer.statusCode = 500; answer.end(); }, /HTTP status 500/],
        [(answer) => { answer.statusCode = 401; answer.end(); }, /operator token/],
        [(answer) => answer.write("{"), /no answer within \d\.0 s/],
        [(answer) => answer.end("x".repeat(5 << 20)), /too long/],
        [(answer) => { answer.statusCode = 302; answer.setHeader("location", "http://127.0.0.1:1/"); answer.end(); }, /302/],
    ];
    for (const [body, wanted] of cases) {
        const { code, stdout } = await askFake(body);
        assert.equal(code, 69);
        assert.match(stdout, wanted);
    }
});

test("a map with bad entries and control characters does no harm", async () => {
    const evil = { name: "gateway-1\x1b[2J", role: "gateway", state: "serving", map: [
        { name: "a", role: "broker", admin: "127.0.0.1:1/../x?y" }, { name: 7 }, null, "text", {},
        { name: "b".repeat(500), admin: "" }, { name: "b\n", role: "broker", admin: "127.0.0.1:1" },
    ] };
    const { code, stdout, stderr } = await askFake((answer) => answer.end(JSON.stringify(evil)));
    assert.equal(code, 69, stderr);
    assert.ok(!stdout.includes("\x1b"));
    assert.match(stdout, /^gateway-1\?\[2J +gateway /m);
    assert.match(stdout, /^a is down: no node knows its admin address/m);
    assert.match(stdout, /^3 nodes: 1 up, 2 down;/m);
});

test("what a node answers to a reload does no harm to the terminal, and who is down is told with its address", async () => {
    const evil = { name: "g\x1b[2J", role: "gateway", state: "serving", map: [
        { name: "b\x1b[2J", role: "broker", admin: "127.0.0.1:1" },
    ] };
    const answers = (answer, { method }) => {
        answer.statusCode = method === "POST" ? 422 : 200;
        answer.end(method === "POST" ? "no\x1b[2J\nnever\x07" : JSON.stringify(evil));
    };
    const { code, stdout, stderr } = await askFake(answers, "reload");
    assert.equal(code, 78, stderr);
    assert.equal(stdout, "");
    assert.doesNotMatch(stderr, /[\x1b\x07]/);
    assert.match(stderr, /^g\?\[2J: no\?\[2J\ng\?\[2J: never\?$/m);
    assert.match(stderr, /^roomcastctl: b\?\[2J is down: connection refused.*, admin 127\.0\.0\.1:1$/m);
    const nobody = await askFake(answers, "reload", "nobody");
    assert.equal(nobody.code, 69, nobody.stderr);
    assert.match(nobody.stderr, /no node nobody is known/);
});

test("the operator token goes with the request", async () => {
    let seen;
    const token = "t".repeat(40);
    const server = http.createServer((request, answer) => { seen = request.headers.authorization; answer.end("{}"); });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    await run(join(BIN, "roomcastctl"), ["--node", `127.0.0.1:${server.address().port}`, "status"],
        { env: { ROOMCAST_ADMIN_TOKEN: token, http_proxy: "http://127.0.0.1:1" } });
    server.close();
    assert.equal(seen, `Bearer ${token}`);
});

test("wrong usage is refused with a hint", async () => {
    for (const args of [[], ["nix"], ["--nix"], ["status"], ["--node", "nix", "status"], ["--node", "a:1", "status", "more"],
        ["--node", "a:1", "--timeout", "0", "status"], ["--node", "a:1", "-o", "xml", "status"]]) {
        const { code, stderr } = await ctl(...args);
        assert.equal(code, 64, args.join(" "));
        assert.match(stderr, /roomcastctl/);
    }
    assert.equal((await ctl("--cluster", "/nowhere/cluster.json", "status")).code, 78);
    assert.match((await ctl("version")).stdout, /^roomcastctl \d+\.\d+\.\d+\n$/);
    assert.equal((await ctl("--help")).code, 0);
});
