/*
 * The only persister is killed again and again while clients write, at any moment: within a commit and between two. Each time the
 * store that it leaves opens, holds every message that was acknowledged until then once and whole, and agrees with itself; and
 * deliveries went on all the time. What a kernel loses with the power stays after a kill: see powerloss.test.mjs.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Faults, FULL, NONE } from "./lib/faults.mjs";
import { Load } from "./lib/load.mjs";
import { judge } from "./lib/oracle.mjs";
import { checkStore, writeFacts } from "./lib/storecheck.mjs";
import { readStores } from "./lib/stores.mjs";
import { BIN, clusterTest } from "../integration/lib/cluster.mjs";
import { SCALE, waitFor } from "../integration/lib/wait.mjs";

const KILLS = FULL ? 200 : 10;
const MOMENT = 60; // ms: it is killed at any moment of so many, which is some commits
const BURST = 6; // messages of each user at most, just before
const NAME = "persister-1";
const TOLERANCE = 3; // as in lib/faults.mjs

// Syncs as slow as on a common disk, so that about half of the kills are within one. The library's journal is of no use here.
const env = {
    LD_PRELOAD: join(BIN, "roomcast-powerloss.so"), ROOMCAST_TEST_JOURNAL: "/dev/null", ROOMCAST_TEST_SYNC_US: "3000",
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS}:verify_asan_link_order=0`,
};

clusterTest("kill", { gateways: 2, brokers: 3, persisters: 1, env }, async (cluster, step, t) => {
    const gateways = cluster.nodes.filter(({ role }) => role === "gateway");
    const load = new Load({ gateways, token: (claims) => cluster.token(claims), admins: 2, users: 8, rate: 25 });
    const faults = new Faults(cluster, null);
    const isAcked = ({ answered, error }) => answered > 0 && error === null;
    let acked = 0;

    const killOnce = async () => {
        await waitFor("messages are acknowledged again", () => load.messages.filter(isAcked).length > acked + 10, 20);
        load.burst(Math.floor(Math.random() * (BURST + 1)));
        await sleep(Math.random() * MOMENT);
        await faults.crash(NAME);
        acked = load.messages.filter(isAcked).length;
        const facts = writeFacts(join(cluster.dir, "facts"), load.record());
        const { code, stdout, stderr } = await checkStore(cluster.node(NAME).data, facts);
        assert.equal(code, 0, stdout + stderr);
        await faults.start(NAME);
    };

    await load.connect();
    load.start();
    await step(`${KILLS} kills leave a good store`, async () => {
        for (let kill = 1; kill <= KILLS; kill++) {
            await killOnce().catch((error) => {
                throw new Error(`kill ${kill}: ${error.message}`, { cause: error });
            });
        }
    });
    await step("nobody noticed, but for acknowledgements that waited, and the history has everything once", async () => {
        const record = await load.stop();
        const cookie = `token=${cluster.token({ user: "root", rol: "admin" })}`;
        const { verdict, figures } = judge(record, { stores: await readStores(gateways, record, cookie) });
        t.diagnostic(`${figures.acked} of ${figures.sent} acknowledged, the latest after ${figures.ack} ms; silence ${figures.silence} ms`);
        assert.deepEqual(verdict, []);
        const most = TOLERANCE * NONE * SCALE + figures.stall;
        assert.ok(figures.silence <= most, `nothing arrived for ${figures.silence} ms, more than ${most} ms`);
    });
    load.close();
});
