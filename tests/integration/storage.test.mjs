// What a persister does when its disk, its directory or its bounds fail it: it says so, messages are delivered all the same, acks
// wait or are refused in time, and it goes on by itself when the cause is gone.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { httpGet } from "./lib/client.mjs";
import { BIN, clusterTest, makeDirectory, run } from "./lib/cluster.mjs";
import { makeMounts } from "./lib/mounts.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const GIVE_UP = 4700 * SCALE; // E, ms: more than 3 W
// Emits wait for 24 s under sanitizers.
const TOO_SLOW = SCALE > 1 && !process.env.ROOMCAST_TEST_FULL ? "takes long at this times.scale: with tests/run --full" : null;
const LARGE = "x".repeat(40000);
const DATA = 73; // exit code of a data directory that cannot be used

const mounts = await makeMounts();
const disk = makeDirectory(); // of persister-1: a small file system of its own
if (!mounts.why) {
    await mounts.mount("-t", "tmpfs", "-o", "size=8m,mode=700", "none", disk);
}
const settings = [`all.times.scale=${50 * SCALE}`, `all.times.emit_give_up=${GIVE_UP}`, `persister-1.data.dir=${join(disk, "data")}`];

clusterTest("storage", { gateways: 2, brokers: 3, persisters: 2, settings, within: mounts.why ? [] : mounts.within }, async (cluster, step, t) => {
    t.after(() => {
        mounts.close();
        rmSync(disk, { recursive: true, force: true });
    });
    const ana = await cluster.connect({ user: "ana", gateway: 2 });
    const mudo = await cluster.connect({ user: "mudo", gateway: 1 }); // never asks for an ack
    const luis = await cluster.connect({ user: "luis", gateway: 1 });

    /** A step that wants the small disk. */
    const diskStep = (title, work, why = mounts.why) => step(title, (s) => (why ? s.skip(why) : work(s)));
    const stateOf = async (name) => (await cluster.status(name)).state;
    const isDegraded = (name, reason) => waitFor(`${name} is degraded: ${reason}`, async () => {
        const status = await cluster.status(name);
        return status.state === "degraded" && reason.test(status.reason);
    });
    const isServing = (name) => waitFor(`${name} serves`, async () => await stateOf(name) === "serving");
    /** Sends messages of which ana must get each, stored or not. */
    const deliver = async (client, count) => {
        const before = ana.received.length;
        for (let i = 0; i < count; i++) {
            client.send("ana", i);
        }
        await ana.receive(before + count);
    };
    const allStored = () => waitFor("both have the same, and nothing waits", async () => {
        const [one, two] = await Promise.all(["persister-1", "persister-2"].map((name) => cluster.status(name)));
        return one.metrics.store_rows === two.metrics.store_rows && one.metrics.lag === 0 && two.metrics.lag === 0;
    }, 20);
    const configure = (name, option, value) => {
        const { config } = cluster.node(name);
        const text = readFileSync(config, "utf8");
        const line = new RegExp(`^${option} *=.*$`, "m");
        assert.match(text, line);
        writeFileSync(config, text.replace(line, `${option} = ${value}`));
    };
    /** A second persister-2 on this directory, which comes before anything else; it must refuse. */
    const startSecond = async (dir, sentence) => {
        const args = ["--config", cluster.node("persister-2").config, "--data.dir", dir];
        const [program, ...before] = [...mounts.why ? [] : mounts.within, join(BIN, "roomcast-persister")];
        const { code, stdout, stderr } = await run(program, [...before, ...args]);
        assert.equal(code, DATA, stdout + stderr);
        assert.match(stdout + stderr, sentence);
    };

    await step("all is well", async () => {
        await luis.sendStored("ana", LARGE);
        await isServing("persister-1");
        assert.equal((await cluster.status("persister-1")).reason, null);
    });

    await diskStep("a full disk for longer than emits wait: deliveries go on, acks are refused, who asks for none stays", async () => {
        await allStored();
        const before = await cluster.metric("gateway-1", "not_stored_total");
        assert.throws(() => writeFileSync(mounts.see(join(disk, "filler")), Buffer.alloc(8 << 20)), { code: "ENOSPC" });
        const ack = luis.ask({ para: "ana", mensaje: LARGE }, 30);
        await isDegraded("persister-1", /^the disk is full/);
        await deliver(mudo, 20);
        const { status, text } = await httpGet(`http://${cluster.node("persister-1").admin}/readyz`);
        assert.equal(status, 503);
        assert.match(text, /the disk is full/);
        assert.match((await cluster.ctl("status")).stdout, /^persister-1 is degraded: the disk is full/m);
        assert.match(cluster.log("persister-1"), / error persister-1 store-degraded reason="the disk is full" /);
        assert.deepEqual(await ack, { error: "not stored" });
        const answer = await cluster.get("/api/mensajes?con=ana", { user: "jefe", rol: "admin" });
        assert.equal(answer.status, 200, "history is answered meanwhile");
        await waitFor("what was delivered and not stored is counted", async () =>
            await cluster.metric("gateway-1", "not_stored_total") >= before + 21);
        await waitFor("and alarmed", () => / error gateway-1 not-stored messages=\d+ total=\d+ /.test(cluster.log("gateway-1")));
        await deliver(mudo, 5);
        assert.deepEqual([ana, mudo, luis].map((client) => client.disconnected), [null, null, null]);
    }, mounts.why ?? TOO_SLOW);

    await diskStep("it goes on by itself when there is room, and gets what it missed", async () => {
        rmSync(mounts.see(join(disk, "filler")));
        await isServing("persister-1");
        await luis.sendStored("ana", "de nuevo");
        await allStored();
        assert.match(cluster.log("persister-1"), / info persister-1 store-recovered failures=\d+ after_ms=\d+/);
        const { json } = await cluster.get("/api/mensajes?con=mudo", { user: "jefe", rol: "admin" });
        assert.equal(json.length, 25, "nothing was lost, though nobody was told so");
    }, mounts.why ?? TOO_SLOW);

    await step("a file that became read-only: acks wait until it is not", async (s) => {
        const file = join(cluster.node("persister-2").data, "data.mdb");
        if ((await run("chattr", ["+i", file])).code !== 0) {
            s.skip("chattr +i does not work here: it wants root, and a file system that knows it");
            return;
        }
        let answered = false;
        const ack = luis.ask({ para: "ana", mensaje: "espera" }, 30).finally(() => { answered = true; });
        try {
            await isDegraded("persister-2", /^data\.dir is read-only/);
            await deliver(mudo, 3);
            assert.equal(answered, false);
        } finally {
            assert.equal((await run("chattr", ["-i", file])).code, 0);
        }
        assert.deepEqual(await ack, { ok: true });
        await isServing("persister-2");
    });

    await step("a second process on the same directory is refused, and the first one notices nothing", async () => {
        await startSecond(cluster.node("persister-2").data, new RegExp(`in use by process ${cluster.node("persister-2").pid}; stop that persister`));
        await luis.sendStored("ana", "sigue");
    });

    await diskStep("a directory that is read-only at the start is refused", async () => {
        const dir = join(cluster.dir, "readonly");
        mkdirSync(dir);
        await mounts.mount("-t", "tmpfs", "-o", "ro", "none", dir);
        await startSecond(dir, /cannot be used: persister\.lock: Read-only file system; it must be writable/);
    });

    await step("data.map_size is reached: acks wait, and a restart with a larger one goes on", async () => {
        await cluster.kill("persister-2", "TERM");
        configure("persister-2", "dir", `${cluster.node("persister-2").data}\nmap_size = 1m`);
        await cluster.startNodes("persister-2");
        let stored = 0;
        const acks = [];
        for (let sent = 0; sent < 40 && await stateOf("persister-2") !== "degraded"; sent++) { // one after the other: 40 kB each
            acks.push(luis.ask({ para: "ana", mensaje: LARGE }, 30).finally(() => stored++));
            await waitFor("it is stored, or cannot be", async () => stored > sent || await stateOf("persister-2") === "degraded");
        }
        await isDegraded("persister-2", /^the store has reached data\.map_size; raise it and start again/);
        await deliver(mudo, 3);
        await cluster.kill("persister-2", "TERM");
        configure("persister-2", "map_size", "1g");
        await cluster.startNodes("persister-2");
        const { ok, error } = await acks.at(-1); // not stored in time: the restart took long
        assert.ok(ok || error === "not stored", error);
        await allStored();
    });

    await step("nobody was disconnected in all that", () => {
        assert.deepEqual([ana, mudo, luis].map((client) => client.disconnected), [null, null, null]);
    });
});
