// The oracle itself: it accepts a good record, and names each thing that can go wrong in one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "./lib/oracle.mjs";

const SINCE = 1000, STEP = 10, COUNT = 20;

const connection = (client, admin, gateway) =>
    ({ client, admin, gateway, id: `${client}-1`, opened: 500, closed: Infinity, reason: null, receipts: [] });

/** Two admins and two users on two gateways; COUNT messages each, all answered and received within 2 ms, and stored once. */
function goodRecord() {
    const [a1, a2] = [connection("a1", true, "gateway-1"), connection("a2", true, "gateway-2")];
    const [u1, u2] = [connection("u1", false, "gateway-1"), connection("u2", false, "gateway-2")];
    const messages = [];
    for (let i = 0; i < 2 * COUNT; i++) {
        const sender = [u1, u2][i % 2];
        const message = { from: sender.client, n: i >> 1, sent: SINCE + i * STEP, connection: sender, answered: SINCE + i * STEP + 2, error: null };
        messages.push(message);
        [a1, a2].forEach(({ receipts }) => receipts.push({ from: message.from, n: message.n, at: message.sent + 1 }));
    }
    const until = SINCE + 2 * COUNT * STEP;
    return {
        record: { since: SINCE, until, settled: until + 50, stall: 3, connections: [a1, a2, u1, u2], messages, clients: ["a1", "a2", "u1", "u2"] },
        a1, a2, u1, u2,
        of: (from, n) => messages.find((message) => message.from === from && message.n === n),
        stores: ["gateway-1", "gateway-2"].map((name) =>
            ({ name, rows: new Map(["u1", "u2"].map((user) => [user, Array.from({ length: COUNT }, (_, n) => n)])) })),
    };
}

const at = ({ receipts }, from, n) => receipts.findIndex((receipt) => receipt.from === from && receipt.n === n);
const drop = (listener, from, n) => listener.receipts.splice(at(listener, from, n), 1)[0];

/** Closes a connection; a message sent on it afterwards belongs to the next one. */
function breakAt(world, old, time, gateway = "gateway-2") {
    Object.assign(old, { closed: time, reason: "transport close" });
    const next = { ...connection(old.client, old.admin, gateway), id: `${old.client}-2`, opened: time + 30 };
    world.record.connections.push(next);
    world.record.messages.filter((message) => message.connection === old && message.sent > time)
        .forEach((message) => { message.connection = next; });
    next.receipts = old.receipts.splice(old.receipts.findIndex((receipt) => receipt.at > time));
    return next;
}

const unanswer = (message) => Object.assign(message, { answered: NaN });

/** name, what happens to the good record, allowances, and the sentences that must come of it, in order. */
const CASES = [
    ["nothing", () => {}, {}, []],
    ["a lost message", ({ a2 }) => drop(a2, "u1", 7), {}, [/^a2 \(at gateway-2\) misses 1 of u1: 7; the first was sent at 0\.140 s to gateway-1 and acknowledged/]],
    ["a lost message that nobody acknowledged", ({ a1, of }) => {
        drop(a1, "u2", 7);
        unanswer(of("u2", 7));
    }, {}, [/^a1 .* misses 1 of u2: 7.*not acknowledged$/, /^u2 was not answered 1 messages on a connection that stayed: 7/]],
    ["many lost messages", ({ a2 }) => {
        a2.receipts = a2.receipts.filter(({ from }) => from !== "u1");
    }, {}, [/^a2 .* misses 20 of u1: 0, 1, 2, 3, 4, 5 and 14 more; /]],
    ["a doubled message", ({ a1 }) => a1.receipts.push({ from: "u1", n: 3, at: 1405 }), {}, [/^a1 \(at gateway-1\) got u1\/3 twice, again at 0\.405 s$/]],
    ["a doubled message whose first copy came in an earlier phase", (world) => {
        world.record.since = SINCE + 200;
        world.a1.receipts.push({ from: "u1", n: 3, at: 1405 });
    }, {}, [/^a1 .* got u1\/3 twice/]],
    ["faults of an earlier phase", (world) => {
        world.record.since = SINCE + 200;
        drop(world.a1, "u1", 3);
        unanswer(world.of("u1", 4));
        world.stores[0].rows.get("u1").splice(2, 1);
    }, {}, []],
    ["a reordered message", ({ a2 }) => {
        const moved = drop(a2, "u2", 4);
        a2.receipts.splice(at(a2, "u2", 6) + 1, 0, { ...moved, at: 1150 });
    }, {}, [/^a2 \(at gateway-2\) got u2\/4 after u2\/6, at 0\.150 s: out of order$/]],
    ["a message that nobody sent", ({ a1 }) => a1.receipts.push({ from: "u1", n: 99, at: 1405 }), {}, [/^a1 .* got u1\/99 .* which nobody sent$/]],
    ["an acknowledged message that is not stored", ({ stores }) => stores[1].rows.get("u1").splice(5, 1), {},
        [/^gateway-2: 1 of u1 acknowledged, but not stored: 5$/]],
    ["a store that knows nothing of a user", ({ stores }) => stores[0].rows.delete("u2"), {}, [/^gateway-1: 20 of u2 acknowledged, but not stored: /]],
    ["a message stored twice", ({ stores }) => stores[0].rows.get("u2").push(11), {}, [/^gateway-1: 1 of u2 stored more than once: 11$/]],
    ["a stored message that nobody sent", ({ stores }) => stores[0].rows.get("u2").push(77), {}, [/^gateway-1: 1 of u2 stored, but never sent: 77$/]],
    ["an unexpected disconnect", (world) => breakAt(world, world.u1, 1205), {}, [/^u1 \(at gateway-1\) was disconnected at 0\.205 s: transport close$/]],
    ["an expected disconnect", (world) => breakAt(world, world.u1, 1205), { mayDisconnect: ["gateway-1"] }, []],
    ["a disconnect at another gateway than expected", (world) => breakAt(world, world.u2, 1205), { mayDisconnect: ["gateway-1"] }, [/^u2 /]],
    ["a client that does not come back", (world) => {
        breakAt(world, world.a1, 1205);
        world.record.connections.pop();
    }, { mayDisconnect: ["gateway-1"] }, [/^not connected at the end: a1$/]],
    ["a refusal", ({ of }) => Object.assign(of("u1", 9), { error: "ocupado" }), {}, [/^u1\/9, sent at 0\.180 s to gateway-1, was refused: ocupado$/]],
    ["a refusal that is allowed, of a message that did not arrive", (world) => {
        Object.assign(world.of("u1", 9), { error: "ocupado" });
        drop(world.a1, "u1", 9);
        world.stores.forEach(({ rows }) => rows.get("u1").splice(9, 1));
    }, { mayFail: true }, []],
    // Of unknown fate: 9 and 10 of u1, whose connection broke before their acks came.
    ["a message of unknown fate that did not arrive", (world) => {
        breakAt(world, world.u1, 1205);
        [9, 10].forEach((n) => unanswer(world.of("u1", n)));
        drop(world.a1, "u1", 9);
        world.stores[0].rows.get("u1").splice(10, 1);
    }, { mayDisconnect: ["gateway-1"] }, []],
    ["a message of unknown fate that arrives twice", (world) => {
        breakAt(world, world.u1, 1205);
        unanswer(world.of("u1", 10));
        world.a2.receipts.push({ from: "u1", n: 10, at: 1405 });
    }, { mayDisconnect: ["gateway-1"] }, [/^a2 .* got u1\/10 twice/]],
    ["a message of unknown fate that is stored twice", (world) => {
        breakAt(world, world.u1, 1205);
        unanswer(world.of("u1", 10));
        world.stores[0].rows.get("u1").push(10);
    }, { mayDisconnect: ["gateway-1"] }, [/^gateway-1: 1 of u1 stored more than once: 10$/]],
    ["a message of unknown fate that arrives out of order", (world) => {
        breakAt(world, world.u1, 1205);
        unanswer(world.of("u1", 9));
        const moved = drop(world.a1, "u1", 9);
        world.a1.receipts.splice(at(world.a1, "u1", 10) + 1, 0, { ...moved, at: 1203 });
    }, { mayDisconnect: ["gateway-1"] }, [/^a1 .* got u1\/9 after u1\/10.*out of order$/]],
    ["a message of an old connection that one of the next overtakes", (world) => {
        breakAt(world, world.u1, 1205);
        const moved = drop(world.a1, "u1", 10);
        world.a1.receipts.splice(at(world.a1, "u1", 12) + 1, 0, { ...moved, at: 1242 });
    }, { mayDisconnect: ["gateway-1"] }, []],
    ["what an admin missed while it was away", (world) => {
        const next = breakAt(world, world.a1, 1205);
        next.receipts = next.receipts.filter((receipt) => receipt.at > next.opened);
    }, { mayDisconnect: ["gateway-1"] }, []],
    ["the last messages before an admin's disconnect", (world) => {
        drop(world.a1, "u1", 10);
        breakAt(world, world.a1, 1205);
    }, { mayDisconnect: ["gateway-1"] }, []],
    ["a gap in what an admin saw before its disconnect", (world) => {
        drop(world.a1, "u1", 9);
        breakAt(world, world.a1, 1205);
    }, { mayDisconnect: ["gateway-1"] }, [/^a1 \(at gateway-1\) misses 1 of u1: 9/]],
    ["a message lost after an admin came back", (world) => drop(breakAt(world, world.a1, 1205), "u2", 15), { mayDisconnect: ["gateway-1"] },
        [/^a1 \(at gateway-2\) misses 1 of u2: 15/]],
    ["a load that sent nothing", ({ record }) => {
        record.messages = [];
        record.connections.forEach(({ receipts }) => receipts.splice(0));
    }, { stores: [] }, [/^nothing was sent/]],
];

for (const [name, change, allow, sentences] of CASES) {
    test(`oracle: ${name}`, () => {
        const world = goodRecord();
        change(world);
        const { verdict } = judge(world.record, { stores: world.stores, ...allow });
        const unnamed = sentences.filter((sentence) => !verdict.some((text) => sentence.test(text)));
        const unasked = verdict.filter((text) => !sentences.some((sentence) => sentence.test(text)));
        assert.deepEqual({ unnamed, unasked }, { unnamed: [], unasked: [] });
    });
}

test("oracle: figures", () => {
    const world = goodRecord();
    const quiet = judge(world.record).figures;
    assert.deepEqual(quiet, {
        sent: 40, acked: 40, errors: [], unknown: 0, received: 80, overtaken: 0, silence: 10, delivery: 1, ack: 2, reconnect: 0,
        disconnects: [], stall: 3,
    });
    // a1 hears nothing for a while and then all at once; its connection breaks later. u2 waits for an answer.
    world.a1.receipts.filter((receipt) => receipt.at > 1100 && receipt.at < 1190).forEach((receipt) => { receipt.at = 1191; });
    world.of("u2", 3).answered += 500;
    Object.assign(world.of("u1", 9), { error: "ocupado" });
    breakAt(world, world.a1, 1205);
    const { figures } = judge(world.record);
    assert.deepEqual(figures, {
        ...quiet, acked: 39, errors: [["ocupado", 1]], silence: 100, delivery: 91, ack: 502, reconnect: 30,
        disconnects: [{ client: "a1", gateway: "gateway-1", at: 205, reason: "transport close" }],
    });
    // Without the clients of gateway-1 nothing of a1 counts; u2 is at gateway-2.
    const rest = judge(world.record, { leaveOut: ["gateway-1"] }).figures;
    assert.deepEqual([rest.silence, rest.delivery, rest.ack], [10, 1, 502]);
});
