/*
 * Steady load for faults: admins who listen and users who write to them, npm's socket.io-client as a browser has it.
 *
 *   const load = new Load({ gateways, token: (claims) => cluster.token(claims), admins: 4, users: 8, rate: 10 });
 *   await load.connect();
 *   load.start();                         // a phase begins; every user sends `rate` messages a second, whatever comes back
 *   await ...                             // the fault
 *   const record = await load.stop();     // no new messages; the answers of the old ones are waited for
 *   judge(record, ...)                    // oracle.mjs; then start() again for the next phase, with the same clients
 *   load.close();
 *
 * gateways: [{name, url}], at any address. A client begins at one of them, and goes on to the next one with each attempt to
 * connect again, as behind a balancer; settle(), between phases, brings it back. Admins and users are spread so that each gateway's users write to each gateway's admins.
 * A user writes to one admin only (`para`): messages to different rooms have no common order.
 *
 * Each user numbers its messages from 0 over all its connections and all phases: {n, from}. What it would have sent while it was
 * not connected is left out. The record says what was done and seen, and judges nothing:
 *
 *   since, until, settled          ms of performance.now(): start(), the end of sending, the end of waiting
 *   stall                          ms that this very process was late at most: no fault of the cluster's
 *   connections                    of all phases: {client, admin, gateway, id, opened, closed, reason, receipts}; closed: Infinity
 *                                  while it is open; id: the Socket.IO socket's; receipts: what an admin got, {from, n, at}
 *   messages                       of all phases: {from, n, sent, connection, answered, error}; answered: NaN until the ack came,
 *                                  error: null, or what the ack said
 */
import { Client } from "../../integration/lib/client.mjs";
import { SCALE, waitFor } from "../../integration/lib/wait.mjs";
import { setTimeout as sleep } from "node:timers/promises";

const RECONNECT = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 1000 };
const LATE_EVERY = 10; // ms between looks at how late this process is

/** One tab: its connections, one after the other. */
class Tab {
    constructor(load, name, admin, first) {
        Object.assign(this, { load, name, admin, home: first, turn: first, connection: null });
        const cookie = `token=${load.token({ user: name, name, rol: admin ? "admin" : "user" })}`;
        this.client = new Client(this.gateway.url, cookie, { ...RECONNECT, ...load.options });
        const { socket } = this.client;
        socket.io.on("reconnect_attempt", () => {
            this.turn++;
            socket.io.uri = this.gateway.url;
        });
        socket.on("connect", () => this.opened());
        socket.on("disconnect", (reason) => this.closed(reason));
        socket.on("mensaje_recibido", (message) => this.received(message));
        this.client.received = { push() {} }; // kept here instead
    }

    get gateway() {
        return this.load.gateways[this.turn % this.load.gateways.length];
    }

    /** Connects where it began, if it is elsewhere now. */
    async goHome(seconds) {
        const home = this.load.gateways[this.home % this.load.gateways.length];
        if (this.connection?.gateway !== home.name) {
            this.client.socket.disconnect();
            this.turn = this.home;
            this.client.socket.io.uri = home.url;
            await this.client.connect(seconds);
        }
    }

    opened() {
        this.connection = {
            client: this.name, admin: this.admin, gateway: this.gateway.name, id: this.client.socket.id,
            opened: performance.now(), closed: Infinity, reason: null, receipts: [],
        };
        this.load.connections.push(this.connection);
    }

    closed(reason) {
        if (this.connection !== null) {
            Object.assign(this.connection, { closed: performance.now(), reason });
            this.connection = null;
        }
    }

    received({ de, mensaje }) {
        this.connection?.receipts.push({ from: de, n: mensaje?.from === de ? mensaje.n : NaN, at: performance.now() });
    }
}

export class Load {
    /** rate: messages a second of each user. options: for socket.io-client. prefix: of the clients' names. */
    constructor({ gateways, token, admins = 4, users = 8, rate = 10, prefix = "", options = {} }) {
        Object.assign(this, { gateways, token, options, connections: [], messages: [], since: NaN, until: NaN, stall: 0 });
        this.admins = Array.from({ length: admins }, (_, i) => new Tab(this, `${prefix}a${i + 1}`, true, i));
        this.users = Array.from({ length: users }, (_, i) => new Tab(this, `${prefix}u${i + 1}`, false, Math.floor(i / admins)));
        this.users.forEach((user, i) => Object.assign(user, { para: this.admins[i % admins].name, next: 0 }));
        this.interval = 1000 / (rate * users);
        this.sending = null;
    }

    get tabs() {
        return [...this.admins, ...this.users];
    }

    /** Names of the clients that are connected to this gateway now, sorted. */
    clientsAt(gateway) {
        return this.tabs.filter(({ connection }) => connection?.gateway === gateway).map(({ name }) => name).sort();
    }

    /** Resolves when all are connected; rejects when one is refused. */
    async connect(seconds = 20) {
        await Promise.all(this.tabs.map(({ client }) => client.connect(seconds)));
    }

    /** Between phases: everybody is connected again, and to the gateway of its beginning. */
    async settle(seconds = 20) {
        await waitFor("all are connected", () => this.tabs.every(({ connection }) => connection !== null), seconds);
        await Promise.all(this.tabs.map((tab) => tab.goHome(seconds)));
    }

    start() {
        this.since = performance.now();
        this.stall = 0;
        this.over = false;
        this.sending = this.send();
        this.watch = setInterval(() => this.look(), LATE_EVERY);
        this.looked = performance.now();
    }

    look() {
        const now = performance.now();
        this.stall = Math.max(this.stall, now - this.looked - LATE_EVERY);
        this.looked = now;
    }

    /** One message at a time, the users in turn, each at its time whatever became of those before. */
    async send() {
        const begin = performance.now();
        for (let i = 0; !this.over; i++) {
            const due = begin + i * this.interval - performance.now();
            if (due > 0) {
                await sleep(due);
            }
            const user = this.users[i % this.users.length];
            if (user.connection !== null && !this.over) {
                this.sendOne(user);
            }
        }
    }

    /** Besides: so many messages more of every user, all at once. */
    burst(count) {
        for (let i = 0; i < count; i++) {
            this.users.filter(({ connection }) => connection !== null).forEach((user) => this.sendOne(user));
        }
    }

    sendOne(user) {
        const message = {
            from: user.name, n: user.next++, sent: performance.now(), connection: user.connection, answered: NaN, error: null,
        };
        this.messages.push(message);
        const mensaje = { n: message.n, from: user.name };
        user.client.socket.emit("mensaje_privado", { para: user.para, mensaje }, (ack) => {
            message.answered = performance.now();
            message.error = ack?.ok === true ? null : ack?.error ?? `an ack without error: ${JSON.stringify(ack)}`;
        });
    }

    /** Every client is connected, each message answered or cut off, and what was acknowledged is with every admin. */
    settledNow() {
        const fresh = this.messages.filter(({ sent }) => sent >= this.since);
        const acked = fresh.filter(({ answered, error }) => answered > 0 && error === null);
        return this.tabs.every(({ connection }) => connection !== null) &&
            fresh.every(({ answered, connection }) => answered > 0 || connection.closed < Infinity) &&
            this.admins.every(({ connection }) => {
                const got = new Set(connection.receipts.filter(({ at }) => at >= this.since).map(({ from, n }) => `${from}/${n}`));
                return acked.every(({ from, n, sent }) => sent < connection.opened || got.has(`${from}/${n}`));
            });
    }

    /** Ends the phase: its record, when everything is settled or `seconds` (scaled) are over. */
    async stop(seconds = 15) {
        this.over = true;
        await this.sending;
        const until = performance.now();
        for (const end = until + seconds * 1000 * SCALE; !this.settledNow() && performance.now() < end;) {
            await sleep(50);
        }
        clearInterval(this.watch);
        this.until = until;
        return this.record();
    }

    /** As it is now: connections and messages are those that the next phase goes on with. */
    record() {
        const { since, until, stall, connections, messages } = this;
        return { since, until, settled: performance.now(), stall, connections, messages, clients: this.tabs.map(({ name }) => name) };
    }

    close() {
        this.over = true;
        clearInterval(this.watch);
        this.tabs.forEach(({ client }) => client.close());
    }
}
