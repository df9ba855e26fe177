/*
 * Power cuts, which killed processes do not show: what a kernel had not yet written is lost with them, in any part and order.
 *
 * A persister runs under load with a preloaded library (powerloss/shim.c) that notes each write and sync of its data file. Out of
 * that come many images of the file as a disk may hold it after a power cut at some moment: everything up to the last sync that
 * was over, and a random part of what came later. Each must open, hold every message that was acknowledged to a client by then,
 * once, with all indexes, and take new ones. The cuts begin with the making of the store, when nothing is there.
 *
 * The mark of a moment is the client's ack, the promise itself; syncs are made slow, so that what is told before its sync is
 * over, is told well before.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FULL } from "./lib/faults.mjs";
import { Load } from "./lib/load.mjs";
import { checkCuts, writeFacts } from "./lib/storecheck.mjs";
import { BIN, clusterTest, makeDirectory } from "../integration/lib/cluster.mjs";

const SECONDS = FULL ? 20 : 2, CUTS = FULL ? 5000 : 300, PLANTED = 40;
const SYNC_US = 5000;

const work = makeDirectory();
// Images are synced a lot while they are judged, and need not survive anything.
const images = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : work, "roomcast-images-"));
const journal = join(work, "journal");
const env = {
    LD_PRELOAD: join(BIN, "roomcast-powerloss.so"), ROOMCAST_TEST_JOURNAL: journal, ROOMCAST_TEST_SYNC_US: String(SYNC_US),
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS}:verify_asan_link_order=0`, // the library comes first
};

clusterTest("powerloss", { gateways: 1, brokers: 3, persisters: 1, env }, async (cluster, step, t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const gateways = cluster.nodes.filter(({ role }) => role === "gateway");
    const load = new Load({ gateways, token: (claims) => cluster.token(claims), admins: 2, users: 8, rate: 40 });
    let facts;
    const cut = (options) => checkCuts(journal, images, facts, { seed, count: CUTS, ...options });

    let good = false;
    t.after(() => (good ? [work, images] : [images]).forEach((dir) => rmSync(dir, { recursive: true, force: true })));

    await step("a persister under load", async () => {
        await load.connect();
        load.start();
        await sleep(SECONDS * 1000);
        const record = await load.stop();
        load.close();
        facts = writeFacts(join(work, "facts"), record);
        const acked = record.messages.filter(({ error, answered }) => error === null && answered > 0).length;
        assert.ok(acked > 100 && acked === record.messages.length, `${acked} of ${record.messages.length} are acknowledged`);
    });

    await step("whatever the disk has kept, it opens, and every acknowledged message is there once", async () => {
        const { code, stdout, stderr } = await cut({});
        t.diagnostic(stdout.trimEnd().split("\n").at(-1));
        assert.equal(code, 0, `${stdout}${stderr}kept ${work}`);
    });

    await step("the cuts find a persister that never syncs", async () => {
        const { code, stdout, stderr } = await cut({ count: PLANTED, plant: "never" });
        assert.equal(code, 1, stdout + stderr);
    });

    await step("the cuts find an acknowledgement that comes before its sync", async () => {
        const { code, stdout, stderr } = await cut({ count: PLANTED, plant: "early" });
        assert.equal(code, 1, stdout + stderr);
        assert.match(stdout, /acknowledged and not stored/);
        good = true;
    });

});
