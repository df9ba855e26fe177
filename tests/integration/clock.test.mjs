// Clocks that are set back by an hour while everything runs (Debian's faketime; never the machine's own): times are only names of
// messages and of incarnations, so nothing is lost, doubled or kept from starting.
import assert from "node:assert/strict";
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { clusterTest, makeDirectory } from "./lib/cluster.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const HOUR = 3600 * 1000; // ms
const library = readdirSync("/usr/lib").map((dir) => join("/usr/lib", dir, "faketime/libfaketimeMT.so.1")).find(existsSync);
const why = library ? SCALE > 1 && "the sanitizers' runtimes do not start behind faketime" : "faketime is not installed: deploy/install-deps --test";

const dir = makeDirectory();
/** The file is looked at once a second, and must be whole each time. */
function setClocks(offset) {
    writeFileSync(join(dir, "next"), `${offset}\n`);
    renameSync(join(dir, "next"), join(dir, "clock"));
}
setClocks("+0");
const env = {
    LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: join(dir, "clock"), FAKETIME_CACHE_DURATION: "1", DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
};

async function body(cluster, step, t) {
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const names = cluster.nodes.map(({ name }) => name);
    let ana = await cluster.connect({ user: "ana", gateway: 1 });
    let luis = await cluster.connect({ user: "luis", gateway: 2 });
    let sent = 0;
    const say = async (count) => {
        const before = ana.received.length;
        for (let i = 0; i < count; i++) {
            await luis.sendStored("ana", sent++);
        }
        await ana.receive(before + count);
    };
    const history = async () => {
        const { status, json, text } = await cluster.get("/api/mensajes?con=luis", { user: "jefe", rol: "admin" });
        assert.equal(status, 200, text);
        return json;
    };

    await step("set back while messages flow", async () => {
        await say(5);
        setClocks("-3600");
        await waitFor("gateways and brokers have seen it", () => names.filter((name) => !name.startsWith("persister"))
            .every((name) => /clock-jump ms=-3[56]\d{5}/.test(cluster.log(name))));
        await say(5);
        assert.deepEqual(ana.received.map(({ mensaje }) => mensaje), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert.deepEqual([ana.disconnected, luis.disconnected], [null, null]);
    });

    await step("nodes of each role restarted with the clock still back", async () => {
        for (const name of ["persister-1", "broker-1"]) {
            await cluster.kill(name, "TERM");
            await cluster.startNodes(name);
            await say(1);
        }
        assert.deepEqual([ana.disconnected, luis.disconnected], [null, null]);
        await cluster.kill(["gateway-1", "gateway-2"], "TERM");
        await cluster.startNodes(["gateway-1", "gateway-2"]);
        [ana, luis] = [await cluster.connect({ user: "ana", gateway: 1 }), await cluster.connect({ user: "luis", gateway: 2 })];
        await say(5);
        assert.match(cluster.log("persister-1"), / incarnation-raised .*was the clock set back/);
    });

    await step("the history has everything once, by the time that the clocks said", async () => {
        const rows = await history();
        assert.deepEqual(rows.map(({ mensaje }) => mensaje).sort((a, b) => a - b), Array.from({ length: sent }, (_, n) => n));
        const times = new Map(rows.map(({ mensaje, fecha }) => [mensaje, Date.parse(fecha)]));
        assert.ok(times.get(0) - times.get(sent - 1) > HOUR / 2, "the last one is called older than the first");
        assert.deepEqual(rows.map(({ fecha }) => fecha), rows.map(({ fecha }) => fecha).sort());
        await waitFor("the store has no more", async () => await cluster.metric("persister-1", "store_rows") === sent);
    });
}

if (why) {
    test("clock", { skip: why }, () => {});
} else {
    clusterTest("clock", { gateways: 2, brokers: 3, persisters: 1, env }, body);
}
