// The contract of deploy/local-cluster, which other tools build on.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, Cluster, clusterTest, freeBasePort, makeDirectory, ROOT, run } from "./lib/cluster.mjs";
import { httpGet } from "./lib/client.mjs";
import { waitFor } from "./lib/wait.mjs";

const localCluster = (...args) => run(join(ROOT, "deploy/local-cluster"), args);

const places = []; // directories of clusters that are not meant to come up
process.on("exit", () => places.forEach((dir) => {
    spawnSync(join(ROOT, "deploy/local-cluster"), ["down", "--dir", dir], { stdio: "ignore" });
    rmSync(dir, { recursive: true, force: true });
}));
function makePlace() {
    places.push(makeDirectory());
    return places.at(-1);
}

const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0];

clusterTest("local-cluster", {
    gateways: 2, brokers: 3, persisters: 1, settings: ["gateway-2.rooms.partitions=admins=3"],
}, async (cluster, step) => {
    await step("cluster.json describes every node", async () => {
        const { dir, jwt_secret_file: secret, nodes } = cluster.description;
        assert.equal(dir, cluster.dir);
        assert.equal(statSync(secret).mode & 0o777, 0o600);
        assert.deepEqual(nodes.map((node) => node.name),
            ["gateway-1", "gateway-2", "broker-1", "broker-2", "broker-3", "persister-1"]);
        for (const node of nodes) {
            assert.equal(node.role, node.name.split("-")[0]);
            assert.equal(commandOf(node.pid), join(BIN, `roomcast-${node.role}`), "pid is the daemon's own");
            assert.equal((await httpGet(`http://${node.admin}/readyz`)).status, 200);
            assert.match(node.link, /^127\.0\.0\.1:\d+$/);
            assert.ok(existsSync(node.log));
            assert.equal(node.url !== null, node.role === "gateway");
            assert.equal(node.data !== null && existsSync(node.data), node.role === "persister");
        }
        assert.match(nodes[0].url, /^http:\/\/127\.0\.0\.1:\d+$/);
    });

    await step("status: ready, and 69 when a node is not", async () => {
        assert.equal((await localCluster("status", "--dir", cluster.dir)).code, 0);
        await cluster.kill("broker-2", "STOP");
        const { code, stdout } = await localCluster("status", "--dir", cluster.dir);
        await cluster.kill("broker-2", "CONT");
        assert.equal(code, 69);
        assert.match(stdout, /broker-2 .*paused/);
    });

    await step("a killed node is started again on its ports", async () => {
        const before = cluster.node("broker-3");
        await cluster.kill("broker-3");
        assert.equal(cluster.node("broker-3").pid, null);
        assert.equal(existsSync(`/proc/${before.pid}`), false);
        assert.equal((await localCluster("kill", "broker-3", "--dir", cluster.dir)).code, 69);
        await cluster.startNodes("broker-3");
        const after = cluster.node("broker-3");
        assert.notEqual(after.pid, before.pid);
        assert.equal(after.admin, before.admin);
        assert.equal(after.link, before.link);
    });

    await step("the admins' room stands at several brokers, also when gateways write to other numbers of partitions", async () => {
        const brokers = ["broker-1", "broker-2", "broker-3"];
        const roomsOf = async () => (await Promise.all(brokers.map(async (name) => (await cluster.status(name)).rooms)));
        assert.deepEqual((await cluster.status("gateway-1")).partitions, { admins: 4 });
        assert.deepEqual((await cluster.status("gateway-2")).partitions, { admins: 3 });
        await waitFor("all brokers are open", async () => (await Promise.all(brokers.map((name) => cluster.status(name))))
            .every(({ state }) => state === "open"), 20);
        const admins = await Promise.all([1, 2].map((gateway) => cluster.connect({ user: `jefe${gateway}`, rol: "admin", gateway })));
        const rooms = await roomsOf();
        // Two rooms of their own and four partitions, each at two brokers: one room `admins` would make it six.
        assert.equal(rooms.reduce((sum, n) => sum + n), 2 * (2 + 4));
        assert.ok(rooms.every((n) => n >= 1), `every broker has a part: ${rooms}`);

        const users = Array.from({ length: 12 }, (_, i) => `u${i}`);
        const clients = await Promise.all(users.map((user, i) => cluster.connect({ user, gateway: 1 + i % 2 })));
        const acks = [];
        for (let n = 1; n <= 40; n++) {
            acks.push(...clients.map((client) => client.ask({ para: "nadie", mensaje: n }, 20)));
            if (n === 20) {
                await cluster.kill("broker-1");
            }
        }
        assert.ok((await Promise.all(acks)).every((ack) => ack.ok === true), "every message is acknowledged");
        for (const admin of admins) {
            await admin.receive(users.length * 40, 20);
            for (const user of users) {
                assert.deepEqual(admin.received.filter(({ de }) => de === user).map(({ mensaje }) => mensaje),
                    Array.from({ length: 40 }, (_, i) => i + 1), `${user}'s messages, once and in order`);
            }
            assert.equal(admin.disconnected, null);
        }
        [...admins, ...clients].forEach((client) => client.close());
        await cluster.startNodes("broker-1");
    });

    await step("refuses a second cluster in the same place, and what it does not know", async () => {
        const { code, stderr } = await localCluster("up", "--dir", cluster.dir);
        assert.equal(code, 64);
        assert.match(stderr, /a cluster runs in .* already/);
        for (const args of [["start", "broker-1"], ["start", "broker-9"], ["kill"], ["kill", "broker-1", "--signal", "HUP"],
            ["up", "--gateways", "0"], ["up", "--set", "nix.a=1"], ["up", "--jwt-secret", "short"], ["nix"]]) {
            const place = args[0] === "nix" ? [] : ["--dir", args[0] === "up" ? makePlace() : cluster.dir];
            assert.equal((await localCluster(...args, ...place)).code, 64, args.join(" "));
        }
    });

    await step("another one runs beside it", async () => {
        const other = await Cluster.start({ gateways: 1, brokers: 1 });
        const wrong = await other.stop();
        other.remove();
        assert.deepEqual(wrong, []);
        assert.equal((await localCluster("status", "--dir", cluster.dir)).code, 0);
    });

    await step("a port in use is named with its node before anything starts", async () => {
        const dir = makePlace();
        const base = cluster.description.base_port;
        const { code, stderr } = await localCluster("up", "--dir", dir, "--base-port", String(base));
        assert.equal(code, 69);
        assert.match(stderr, new RegExp(`gateway-1: 127\\.0\\.0\\.1:${base} \\(listen\\) is in use`));
        assert.ok(JSON.parse(readFileSync(join(dir, "cluster.json"))).nodes.every((node) => node.pid === null));
    });
});

test("a node that does not get ready is named with its last log lines, and the others are ended", async () => {
    const dir = makePlace();
    const { code, stderr } = await localCluster("up", "--dir", dir, "--base-port", String(await freeBasePort()),
        "--set", "broker-2.no.such_option=1");
    assert.equal(code, 78);
    assert.match(stderr, /^local-cluster: broker-2 exited with code 78; the end of .*broker-2\.log:\n/);
    assert.match(stderr, /no\.such_option/);
    const { nodes } = JSON.parse(readFileSync(join(dir, "cluster.json")));
    assert.ok(nodes.every((node) => node.pid === null));
    assert.equal((await localCluster("down", "--dir", dir)).code, 0);
});

test("an old pid that belongs to somebody else is left alone", async () => {
    const dir = makePlace();
    const { code } = await localCluster("up", "--dir", dir, "--base-port", String(await freeBasePort()), "--set", "all.no.such=1");
    assert.equal(code, 78);
    const path = join(dir, "cluster.json");
    const cluster = JSON.parse(readFileSync(path));
    cluster.nodes[0].pid = process.pid; // this very process plays the stranger, and would be ended
    cluster.nodes[0].started = 1;
    writeFileSync(path, JSON.stringify(cluster));
    assert.match((await localCluster("down", "--dir", dir)).stdout, /nothing runs in/);
});
