/*
 * Fault tests stand on this: a cluster of real processes under load all the time, one fault a phase, one judgement a phase.
 *
 *   faultTest("crash", async ({ cluster, phase }) => {
 *       await phase("broker-1 is killed", { limits: { delivery: NONE } }, async (faults) => {
 *           await faults.crash("broker-1");
 *           await faults.start("broker-1");
 *       });
 *   });
 *
 * A phase begins and ends with the cluster whole and everybody connected, and messages go on before, during and after the fault.
 * It is judged by oracle.mjs, and by `limits`: for each figure the longest time that docs/protocol.md 12 gives this fault, in ms
 * at default times. A figure may be three times as large (the machine is not ours alone) at this times.scale, and the load's own
 * lateness goes on top. At the end each persister alone must have the whole history.
 *
 * Environment: ROOMCAST_TEST_FULL (not empty): every phase; else those that `brief` selects. See ../../integration/lib/cluster.mjs.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, signalNode } from "../../../deploy/lib/process.mjs";
import { clusterTest } from "../../integration/lib/cluster.mjs";
import { httpGet } from "../../integration/lib/client.mjs";
import { SCALE, waitFor } from "../../integration/lib/wait.mjs";
import { Load } from "./load.mjs";
import { judge, judgeStores } from "./oracle.mjs";
import { readStores } from "./stores.mjs";

export const FULL = Boolean(process.env.ROOMCAST_TEST_FULL);

/** What the table calls no delay, in ms: what the first message through the next broker may take. */
export const NONE = 200;
const TOLERANCE = 3;

const BURST = 10; // messages of each user; the cluster is busy with them for longer than BURST_MS
const BURST_MS = 2;

/** Of these phases, all with ROOMCAST_TEST_FULL, else those that brief(phase) selects. */
export const selected = (phases, brief) => (FULL ? phases : phases.filter(brief));

/** Nodes of a role, by name. */
export const namesOf = (cluster, role) => cluster.nodes.filter((node) => node.role === role).map(({ name }) => name);

/** What is done to nodes, at once: signals do not go through deploy/local-cluster, which takes its time. */
export class Faults {
    /** load: null for none. */
    constructor(cluster, load) {
        Object.assign(this, { cluster, load, began: NaN });
    }

    /** To all of them at once, in the middle of a burst: else nothing might be under way when the fault happens. */
    async strike(names, signal) {
        if (this.load) {
            this.load.burst(BURST);
            await sleep(BURST_MS);
            this.began ||= performance.now() - this.load.since;
        }
        this.signal(names, signal);
    }

    signal(names, signal) {
        for (const name of [names].flat()) {
            assert.ok(signalNode(this.cluster.node(name), signal), `${name} does not run`);
        }
    }

    /** SIGKILL; they are gone when it returns. */
    async crash(names) {
        [names].flat().forEach((name) => this.cluster.wantedExits.set(name, 137));
        await this.strike(names, "SIGKILL");
        await waitFor("they are gone", () => [names].flat().every((name) => !isAlive(this.cluster.node(name))));
    }

    start(names) {
        return this.cluster.startNodes(names);
    }

    /** SIGSTOP, and SIGCONT after so many seconds (scaled). */
    async freeze(names, seconds) {
        await this.strike(names, "SIGSTOP");
        try {
            await sleep(seconds * 1000 * SCALE);
        } finally {
            this.signal(names, "SIGCONT");
        }
    }
}

/** Every node is ready and has sessions with all others that it talks to; all brokers are open. mature: and count. */
export async function isWhole(cluster, mature) {
    const { nodes } = cluster;
    const count = (role) => nodes.filter((node) => node.role === role).length;
    const ready = await Promise.all(nodes.map(({ admin }) => httpGet(`http://${admin}/readyz`)));
    if (ready.some(({ status }) => status !== 200)) {
        return false;
    }
    const [brokers, persisters] = await Promise.all(["broker", "persister"]
        .map((role) => Promise.all(namesOf(cluster, role).map((name) => cluster.status(name)))));
    return persisters.every(({ metrics }) => metrics.gateways === count("gateway")) && brokers.every(({ state, metrics }) => state === "open" && (metrics.mature || !mature) && metrics.live_gateways === count("gateway") &&
        metrics.gateways === count("gateway") && metrics.brokers === count("broker") - 1 && metrics.persisters === count("persister"));
}

/** What acknowledgements leave open: also messages of unknown fate are stored in every persister, or in none. */
async function isStoredEverywhere(cluster) {
    const stored = await Promise.all(namesOf(cluster, "persister").map((name) => cluster.status(name)));
    return stored.every(({ metrics }) => metrics.lag === 0 && metrics.store_rows === stored[0].metrics.store_rows);
}

class Bench {
    constructor(cluster, step, t, { mature, ...options }) {
        this.gateways = cluster.nodes.filter(({ role }) => role === "gateway");
        this.load = new Load({ gateways: this.gateways, token: (claims) => cluster.token(claims), ...options });
        this.phase = this.phase.bind(this);
        this.flow = this.flow.bind(this);
        Object.assign(this, { cluster, step, t, mature });
    }

    get cookie() {
        return `token=${this.cluster.token({ user: "root", rol: "admin" })}`;
    }

    /** Each admin got some messages more: the load goes on. */
    async flow(count = 5) {
        const got = () => this.load.admins.map(({ connection }) => connection?.receipts.length ?? 0);
        const wanted = got().map((n) => n + count);
        await waitFor("messages go on", () => got().every((n, i) => n >= wanted[i]), 20);
    }

    /**
     * One phase, a step of the test: work(faults) does the damage and its repair. allow: as judge() takes it, and limits,
     * {silence, delivery, ack, reconnect} in ms; check(figures, faults), for more. Returns the figures, undefined when it failed.
     */
    async phase(title, { limits = {}, check = () => {}, ...allow }, work) {
        let result;
        await this.step(title, async () => {
            const faults = new Faults(this.cluster, this.load);
            await waitFor("the cluster is whole", () => isWhole(this.cluster, this.mature), 30);
            await this.load.settle();
            this.load.start();
            let record;
            try {
                await this.flow();
                await work(faults);
                await waitFor("the cluster is whole again", () => isWhole(this.cluster, this.mature), 30);
                await this.flow();
            } finally {
                record = await this.load.stop();
            }
            await waitFor("all persisters have the same", () => isStoredEverywhere(this.cluster));
            result = judge(record, { ...allow, stores: await readStores(this.gateways, record, this.cookie) });
            this.t.diagnostic(`${title}: ${summary(result.figures)}`);
            assert.deepEqual([...result.verdict, ...tooLong(result.figures, limits)], []);
            await check(result.figures, faults);
        });
        return result?.figures;
    }

    /** Each persister alone has everything that was ever acknowledged. */
    async checkPersisters() {
        const names = namesOf(this.cluster, "persister");
        for (const name of names) {
            await this.step(`${name} alone has the whole history`, async () => {
                const others = names.filter((other) => other !== name);
                await waitFor("the cluster is whole", () => isWhole(this.cluster, false), 30);
                await this.cluster.kill(others, "TERM");
                const record = { ...this.load.record(), since: 0 };
                const stores = await readStores(this.gateways, record, this.cookie);
                await this.cluster.startNodes(others);
                assert.deepEqual(judgeStores(record, stores.map((store) => ({ ...store, name: `${store.name}, by ${name}` }))), []);
            });
        }
    }
}

/** Figures above their limits, as sentences. */
function tooLong(figures, limits) {
    return Object.entries(limits).flatMap(([figure, ms]) => {
        const bound = Math.round(TOLERANCE * ms * SCALE + figures.stall);
        return figures[figure] <= bound ? [] : [`${figure}: ${figures[figure]} ms, more than ${bound} ms (${TOLERANCE} times ${ms} ms ` +
            `at scale ${SCALE}, and the load itself was late by ${figures.stall} ms)`];
    });
}

function summary({ disconnects, errors, ...figures }) {
    return [...Object.entries(figures).map(([figure, value]) => `${figure} ${value}`), `disconnected ${disconnects.length}`,
        ...errors.map(([text, count]) => `"${text}" ${count} times`)].join(", ");
}

/**
 * A test with a cluster under load. options: those of clusterTest; load: those of Load; mature: false, when a broker need not be up
 * for L_d before the next phase (else its restart and the next fault are two faults at once); run: what takes clusterTest's place.
 */
export function faultTest(name, body, { load = {}, mature = true, run = clusterTest, ...options } = {}) {
    run(name, { gateways: 2, brokers: 3, persisters: 2, ...options }, async (cluster, step, t) => {
        const bench = new Bench(cluster, step, t, { mature, ...load });
        try {
            await bench.load.connect();
            await body(bench);
            await bench.checkPersisters();
        } finally {
            bench.load.close();
        }
    });
}
