/*
 * How long it takes until messages flow again, for measure*.mjs. An admin at one gateway writes to users at another; of each
 * broker there are users whose rooms it is the first for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { namesOf } from "./faults.mjs";

const CANDIDATES = 30; // users among whom each broker is the first for some
const FAST = 5; // ms between two messages to a room, where some ms count
const SLOW = 20; // the same where it takes seconds: what waits must then be sent again, which takes its time too

export class Rooms {
    /** With users at gateway-2 and their sender at gateway-1. */
    static async connect(cluster) {
        const sender = await cluster.connect({ user: "origen", rol: "admin", gateway: 1 });
        const users = await Promise.all(Array.from({ length: CANDIDATES },
            (_, i) => cluster.connect({ user: `u${i}`, gateway: 2 })));
        users.forEach((client, i) => Object.assign(client, { user: `u${i}` }));
        return new Rooms(sender, await sort(cluster, sender, users));
    }

    constructor(sender, byBroker) {
        this.sender = sender;
        this.byBroker = byBroker; // Map of broker -> clients
    }

    /** Some users of a broker. */
    of(broker, count) {
        return this.byBroker.get(broker).slice(0, count);
    }

    /** ms from break's now() until each of these users got a message that was sent after it; the slowest. Messages flow all the time. */
    async gap(clients, breakIt) {
        let broken = Infinity;
        const arrived = clients.map(({ socket }) => new Promise((resolve) => {
            const listen = ({ mensaje }) => {
                if (mensaje >= broken) {
                    socket.off("mensaje_recibido", listen);
                    resolve(performance.now() - broken);
                }
            };
            socket.on("mensaje_recibido", listen);
        }));
        const stop = await this.#write(clients, FAST);
        const repaired = breakIt(() => { broken = performance.now(); });
        this.#writeAll(clients);
        const times = await Promise.all(arrived);
        stop();
        await repaired;
        return Math.max(...times);
    }

    /** ms of the longest time without a message at one of these users, from the end of breakIt on, while `hold` ms pass. */
    async silence(clients, breakIt, hold) {
        const longest = clients.map(() => 0), last = clients.map(() => Infinity);
        const hear = (i) => {
            const now = performance.now();
            longest[i] = Math.max(longest[i], now - last[i]);
            last[i] = now;
        };
        const listeners = clients.map((client, i) => () => hear(i));
        const stop = await this.#write(clients, SLOW);
        await breakIt();
        last.fill(performance.now());
        clients.forEach(({ socket }, i) => socket.on("mensaje_recibido", listeners[i]));
        await sleep(hold);
        clients.forEach(({ socket }, i) => socket.off("mensaje_recibido", listeners[i]));
        stop();
        clients.forEach((_, i) => hear(i));
        return Math.max(...longest);
    }

    #writeAll(clients) {
        clients.forEach(({ user }) => this.sender.send(user, performance.now()));
    }

    /** Each of these users gets a message every so many ms until the function returned is called. */
    async #write(clients, every) {
        const timer = setInterval(() => this.#writeAll(clients), every);
        await sleep(200);
        return () => clearInterval(timer);
    }
}

/** Users by the first broker of their rooms: an admin's message is one emit, which that broker counts. */
async function sort(cluster, sender, users) {
    const brokers = namesOf(cluster, "broker");
    const emits = () => Promise.all(brokers.map((name) => cluster.metric(name, "emits_total")));
    const byBroker = new Map(brokers.map((name) => [name, []]));
    let before = await emits();
    for (const client of users) {
        await sender.sendStored(client.user, null);
        const after = await emits();
        byBroker.get(brokers[after.findIndex((n, i) => n > before[i])]).push(client);
        before = after;
    }
    return byBroker;
}

export function report(what, times) {
    const sorted = [...times].sort((a, b) => a - b);
    const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    console.log(`${what.padEnd(44)} median ${median.toFixed(0).padStart(5)} ms  worst ${sorted.at(-1).toFixed(0).padStart(5)} ms  of ${sorted.length}`);
}
