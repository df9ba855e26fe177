// The majority of the brokers is lost: everything stops, visibly, and goes on when it is back. Nothing acknowledged is lost.
import assert from "node:assert/strict";
import { SCALE, waitFor } from "../integration/lib/wait.mjs";
import { faultTest, namesOf } from "./lib/faults.mjs";

const LEASE = 1500, TOLERANCE = 3; // L_g, ms

faultTest("majority", async ({ cluster, phase, load }) => {
    const brokers = namesOf(cluster, "broker");
    const closed = () => waitFor("every client is closed", () => load.tabs.every(({ connection }) => connection === null),
        TOLERANCE * LEASE / 1000);

    /** Every connection ended, once, and not before the lease was over. */
    const check = ({ disconnects, stall }, { began }) => {
        assert.deepEqual(disconnects.map(({ client }) => client).sort(), load.tabs.map(({ name }) => name).sort());
        for (const { client, at, reason } of disconnects) {
            assert.notEqual(reason, "io server disconnect", "from which clients would not come back by themselves");
            assert.ok(at - began > 0.9 * LEASE * SCALE - stall, `${client} was closed after ${at - began} ms, before the lease was over`);
        }
    };
    const allow = { mayDisconnect: () => true, mayFail: false, check };

    await phase("two of three brokers are killed, and started again", allow, async (faults) => {
        await faults.crash(brokers.slice(1));
        await closed();
        await faults.start(brokers.slice(1));
    });

    await phase("all brokers are killed, and started again", allow, async (faults) => {
        await faults.crash(brokers);
        await closed();
        await faults.start(brokers);
    });

    await phase("two of three brokers are frozen", allow, async (faults) => {
        await Promise.all([faults.freeze(brokers.slice(1), 4), closed()]);
    });
});
