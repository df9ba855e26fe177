/*
 * Phases of a fault test (faults.mjs) in a network of its own (netns.mjs):
 *
 *   const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 1 });
 *   netFaultTest(net, "net-gateway", async ({ fault }) => {
 *       await fault("gateway-2 is cut from broker-1", { limits: { delivery: 2900 } }, () => net.cut("gateway-2", "broker-1"));
 *   });
 *
 * The fault stays until messages flow in spite of it: everything sent since, for 1.5 s (scaled) at least, is with every admin
 * that is connected. So what is measured is the cluster's way out, not the end of the fault.
 */
import assert from "node:assert/strict";
import { SCALE, waitFor } from "../../integration/lib/wait.mjs";
import { faultTest } from "./faults.mjs";

const RECENT = 0.3; // s that a message may take without anybody being behind
const BLIND = 1.5; // s until the slowest fault shows: a session ends 1 s after the last word
const FACTOR = 3; // as the limits of faults.mjs

const ms = (seconds) => seconds * 1000 * SCALE;

/** What is sent from `since` to `until`, and no fault of its sender's, is with every admin that was connected when it was sent. */
function caughtUp({ messages, admins }, since, until) {
    const wanted = messages.filter(({ sent, connection, error }) => sent >= since && sent <= until && error === null &&
        connection.closed === Infinity);
    return wanted.length > 0 && admins.every(({ connection }) => {
        const got = new Set(connection?.receipts.filter(({ at }) => at >= since).map(({ from, n }) => `${from}/${n}`));
        return connection && wanted.every(({ from, n, sent }) => sent < connection.opened || got.has(`${from}/${n}`));
    });
}

/** Returns when messages flow: see the top of this file. */
export function flow(load, since, seconds = 20) {
    return waitFor("messages flow in spite of the fault", () => performance.now() - since > ms(BLIND) &&
        caughtUp(load, since, performance.now() - ms(RECENT)), seconds);
}

/** All clients that were at the gateway were closed, three times `limit` ms after the fault at most. */
function judgeCloses({ disconnects }, count, begun, { closes, limit }) {
    const times = disconnects.filter(({ gateway }) => gateway === closes).map(({ at }) => Math.round(at - begun));
    assert.ok(count > 0, `${closes} had no clients: this proves nothing`);
    assert.equal(times.length, count, `every client of ${closes} is closed once`);
    assert.ok(Math.max(...times) <= limit * FACTOR * SCALE, `closed ${times} ms after the fault, ${limit * SCALE} ms is the table's`);
    return Math.max(...times);
}

/**
 * body gets {fault, net, cluster, load, phase}. fault(title, allow, cause, stay): allow as phase() takes it, and
 * closes: {closes: GATEWAY, limit: ms} when all clients of this gateway must be closed; stay(since) replaces flow.
 */
export function netFaultTest(net, name, body, options = {}) {
    faultTest(name, async (bench) => {
        const { cluster, load, phase, t } = bench;
        const fault = (title, { closes, ...allow }, cause, stay = (since) => flow(load, since)) => {
            let begun, count, met;
            const check = (figures) => {
                if (closes) {
                    t.diagnostic(`${title}: closed after ${judgeCloses(figures, count, begun - load.since, closes)} ms`);
                }
            };
            return phase(title, { check, mayDisconnect: closes ? [closes.closes] : [], ...allow }, async () => {
                count = load.clientsAt(closes?.closes).length;
                try {
                    await cause();
                    begun = performance.now();
                    await stay(begun);
                } finally {
                    met = await net.heal();
                }
                assert.ok(met, "the fault met no packet");
            });
        };
        await body({ fault, net, cluster, load, phase });
    }, { ...options, run: net.test });
}
