/*
 * Judges what a load has done and seen (load.mjs) in one phase:
 *
 *   const { verdict, figures } = judge(record, { stores: await readStores(...), mayDisconnect: ["gateway-1"] });
 *   assert.deepEqual(verdict, []);
 *
 * Good is: an admin's connection saw every message that was sent while it was open, once; the messages of one sender's connection
 * in the order sent; what was acknowledged is in each store once, and nothing is there twice; nobody was disconnected who need
 * not have been, and everybody is connected again; every message was answered, or its sender's connection broke.
 *
 * A message must have arrived when it was acknowledged, or when its sender's connection stayed and no error was answered. Any
 * other is of unknown fate: it may have arrived and be stored, once and in its order. A connection that ended misses only what
 * came after the last it saw of that sender.
 *
 * The order between two connections of one user is not promised: a message of the old one may be overtaken. Figures count it.
 *
 * Allowed by the caller, for the phase:
 *   mayDisconnect   names of gateways whose clients may be disconnected; or a function of the connection
 *   mayFail         true: acks with an error are all right (they are listed in figures.errors); or a function of the message
 *   leaveOut        names of gateways whose clients the figures leave out (frozen themselves, for example); none
 *   stores          [{name, rows: Map of user -> [n, ...] as stored}], see stores.mjs; none: not judged
 *
 * figures, times in ms: sent, acked, errors [text, count], unknown (of these messages, without an answer), received, overtaken;
 * silence (longest time without a receipt at any one admin's connection while users were sending), delivery and ack (longest
 * times from sending), reconnect (longest time from a disconnect to the next connection), disconnects [{client, gateway, at,
 * reason}], stall (how late the load itself was).
 */
const SHOWN = 6; // numbers in a sentence

const list = (numbers) => numbers.slice(0, SHOWN).join(", ") + (numbers.length > SHOWN ? ` and ${numbers.length - SHOWN} more` : "");
const name = ({ from, n }) => `${from}/${n}`;

/** What the phase needs from the record, with its times relative to the phase's beginning in sentences. */
class Phase {
    constructor(record, allow) {
        Object.assign(this, record, { allow, verdict: [] });
        this.messageOf = new Map(record.messages.map((message) => [name(message), message]));
        this.fresh = record.messages.filter(({ sent }) => sent >= record.since);
        this.listeners = record.connections.filter(({ admin, closed }) => admin && closed >= record.since);
    }

    at(time) {
        return `at ${((time - this.since) / 1000).toFixed(3)} s`;
    }

    fault(sentence) {
        this.verdict.push(sentence);
    }

    isOpen(connection) {
        return connection.closed > this.settled;
    }

    isAcked(message) {
        return message.answered > 0 && message.error === null;
    }

    /** See the top of this file. */
    mustArrive(message) {
        return message.error === null && (message.answered > 0 || this.isOpen(message.connection));
    }

    /** Whether the figures are of this connection too. */
    counts({ gateway }) {
        return !(this.allow.leaveOut ?? []).includes(gateway);
    }

    may(what, subject, gateway) {
        const allowed = this.allow[what] ?? false;
        return typeof allowed === "function" ? allowed(subject) : Array.isArray(allowed) ? allowed.includes(gateway) : allowed;
    }
}

const where = ({ client, gateway }) => `${client} (at ${gateway})`;

/** Of what one admin's connection got: copies, wrong order, unknown messages. */
function judgeReceipts(phase, listener) {
    const seen = new Set(), highest = new Map();
    let overtaken = 0;
    for (const receipt of listener.receipts) {
        const message = phase.messageOf.get(name(receipt));
        const isNew = receipt.at >= phase.since;
        if (!message) {
            if (isNew) {
                phase.fault(`${where(listener)} got ${name(receipt)} ${phase.at(receipt.at)}, which nobody sent`);
            }
            continue;
        }
        const [before, any] = [highest.get(message.connection) ?? -1, highest.get(receipt.from) ?? -1];
        if (isNew && seen.has(message)) {
            phase.fault(`${where(listener)} got ${name(receipt)} twice, again ${phase.at(receipt.at)}`);
        } else if (isNew && receipt.n < before) {
            phase.fault(`${where(listener)} got ${name(receipt)} after ${receipt.from}/${before}, ${phase.at(receipt.at)}: out of order`);
        } else if (isNew && receipt.n < any) {
            overtaken++;
        }
        seen.add(message);
        highest.set(message.connection, Math.max(before, receipt.n)).set(receipt.from, Math.max(any, receipt.n));
    }
    return { seen, highest, overtaken };
}

/** Messages that had to reach this admin's connection and did not. */
function judgeMissing(phase, listener, { seen, highest }) {
    const missing = phase.fresh.filter((message) => message.sent >= listener.opened && !seen.has(message) && phase.mustArrive(message) &&
        (phase.isOpen(listener) || message.n < (highest.get(message.connection) ?? -1)));
    for (const [from, messages] of groupBy(missing, (message) => message.from)) {
        const [first] = messages;
        phase.fault(`${where(listener)} misses ${messages.length} of ${from}: ${list(messages.map(({ n }) => n))}; the first was ` +
            `sent ${phase.at(first.sent)} to ${first.connection.gateway} and ${answerText(phase, first)}`);
    }
}

function answerText(phase, message) {
    return phase.isAcked(message) ? `acknowledged ${phase.at(message.answered)}` : "not acknowledged";
}

function groupBy(items, key) {
    const groups = new Map();
    for (const item of items) {
        groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
    }
    return groups;
}

function judgeAnswers(phase) {
    const silent = phase.fresh.filter((message) => !(message.answered > 0) && phase.isOpen(message.connection));
    for (const [from, messages] of groupBy(silent, (message) => message.from)) {
        phase.fault(`${from} was not answered ${messages.length} messages on a connection that stayed: ` +
            `${list(messages.map(({ n }) => n))}; the first was sent ${phase.at(messages[0].sent)} to ${messages[0].connection.gateway}`);
    }
    for (const message of phase.fresh.filter(({ error }) => error !== null)) {
        if (!phase.may("mayFail", message, message.connection.gateway)) {
            phase.fault(`${name(message)}, sent ${phase.at(message.sent)} to ${message.connection.gateway}, was refused: ${message.error}`);
        }
    }
}

function judgeConnections(phase) {
    for (const connection of phase.connections.filter(({ closed }) => closed >= phase.since && closed <= phase.settled)) {
        if (!phase.may("mayDisconnect", connection, connection.gateway)) {
            phase.fault(`${where(connection)} was disconnected ${phase.at(connection.closed)}: ${connection.reason}`);
        }
    }
    const there = new Set(phase.connections.filter((connection) => phase.isOpen(connection)).map(({ client }) => client));
    const away = phase.clients.filter((client) => !there.has(client));
    if (away.length > 0) {
        phase.fault(`not connected at the end: ${list(away)}`);
    }
}

/** One store: what was acknowledged is there, nothing twice, nothing that nobody sent. */
function judgeStore(phase, store) {
    for (const [from, messages] of groupBy(phase.fresh, (message) => message.from)) {
        const [first, rows] = [messages[0].n, store.rows.get(from) ?? []];
        const counts = new Map();
        rows.filter((n) => n >= first).forEach((n) => counts.set(n, (counts.get(n) ?? 0) + 1));
        const lost = messages.filter((message) => phase.isAcked(message) && !counts.has(message.n)).map(({ n }) => n);
        const twice = [...counts].filter(([, count]) => count > 1).map(([n]) => n);
        const strange = [...counts.keys()].filter((n) => !phase.messageOf.has(`${from}/${n}`));
        const wrong = [[lost, "acknowledged, but not stored"], [twice, "stored more than once"], [strange, "stored, but never sent"]];
        for (const [numbers, what] of wrong) {
            if (numbers.length > 0) {
                phase.fault(`${store.name}: ${numbers.length} of ${from} ${what}: ${list(numbers)}`);
            }
        }
    }
}

/** The longest time without a receipt at a connection, from the phase's beginning (or its own) to the end of sending (or its own). */
function silenceOf(phase, { opened, closed, receipts }) {
    let last = Math.max(opened, phase.since), longest = 0;
    for (const { at } of receipts.filter((receipt) => receipt.at >= phase.since)) {
        longest = Math.max(longest, at - last);
        last = at;
    }
    return Math.max(longest, Math.min(closed, phase.until) - last);
}

const maximum = (numbers) => numbers.reduce((most, n) => Math.max(most, n), 0);

function deliveriesOf(phase, listener) {
    return listener.receipts.filter(({ at }) => at >= phase.since).map((receipt) => [receipt, phase.messageOf.get(name(receipt))])
        .filter(([, message]) => message && message.sent >= phase.since && phase.counts(message.connection))
        .map(([{ at }, { sent }]) => at - sent);
}

function reconnects(phase) {
    return [...groupBy(phase.connections, ({ client }) => client).values()].flatMap((connections) => connections.slice(1)
        .map(({ opened }, i) => ({ opened, time: opened - connections[i].closed })))
        .filter(({ opened }) => opened >= phase.since).map(({ time }) => time);
}

function figuresOf(phase, overtaken) {
    const { fresh, connections, listeners, since, settled, stall } = phase;
    const acked = fresh.filter((message) => phase.isAcked(message));
    const errors = groupBy(fresh.filter(({ error }) => error !== null), ({ error }) => error);
    const counted = listeners.filter((listener) => phase.counts(listener));
    return {
        sent: fresh.length,
        acked: acked.length,
        errors: [...errors].map(([text, messages]) => [text, messages.length]),
        unknown: fresh.filter(({ answered }) => !(answered > 0)).length,
        received: listeners.reduce((sum, { receipts }) => sum + receipts.filter(({ at }) => at >= since).length, 0),
        overtaken,
        silence: Math.round(maximum(counted.map((listener) => silenceOf(phase, listener)))),
        delivery: Math.round(maximum(counted.flatMap((listener) => deliveriesOf(phase, listener)))),
        ack: Math.round(maximum(acked.filter(({ connection }) => phase.counts(connection)).map(({ sent, answered }) => answered - sent))),
        reconnect: Math.round(maximum(reconnects(phase))),
        disconnects: connections.filter(({ closed }) => closed >= since && closed <= settled)
            .map(({ client, gateway, closed, reason }) => ({ client, gateway, at: Math.round(closed - since), reason })),
        stall: Math.round(stall),
    };
}

/** Sentences that say what is wrong with stores alone. */
export function judgeStores(record, stores) {
    const phase = new Phase(record, {});
    stores.forEach((store) => judgeStore(phase, store));
    return phase.verdict;
}

/** {verdict: sentences that say what is wrong (none: good), figures}. */
export function judge(record, allow = {}) {
    const phase = new Phase(record, allow);
    let overtaken = 0;
    if (phase.fresh.length === 0) {
        phase.fault("nothing was sent: this proves nothing");
    }
    for (const listener of phase.listeners) {
        const got = judgeReceipts(phase, listener);
        judgeMissing(phase, listener, got);
        overtaken += got.overtaken;
    }
    judgeAnswers(phase);
    judgeConnections(phase);
    (allow.stores ?? []).forEach((store) => judgeStore(phase, store));
    return { verdict: phase.verdict, figures: figuresOf(phase, overtaken) };
}
