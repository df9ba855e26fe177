// A dead broker does not stop the chat: the second broker of each room's list takes over.
import assert from "node:assert/strict";
import { clusterTest } from "./lib/cluster.mjs";
import { waitFor } from "./lib/wait.mjs";

clusterTest("failover", { gateways: 2, brokers: 3, persisters: 1 }, async (cluster, step) => {
    const users = Array.from({ length: 30 }, (_, i) => `u${i}`);
    let clients, admin, sender;
    const counts = () => clients.map((client) => client.received.length);

    /** Sends n to everybody and to the admin by the way, with acks; everybody has each once and in order. */
    const round = async (n) => {
        const acks = users.map((para) => sender.ask({ para, mensaje: n }, 20));
        assert.ok((await Promise.all(acks)).every((ack) => ack.ok === true), "every message is stored");
        await waitFor("all have it", () => counts().every((count) => count === n), 10);
        await waitFor("the admin has all", () => admin.received.length === n * users.length);
    };
    const inOrder = (client) => client.received.every(({ mensaje }, i) => mensaje === i + 1);

    await step("30 users on two gateways", async () => {
        clients = await Promise.all(users.map((user, i) => cluster.connect({ user, gateway: 1 + i % 2 })));
        admin = await cluster.connect({ user: "jefe", rol: "admin", gateway: 2 });
        sender = await cluster.connect({ user: "origen", gateway: 1 });
        await round(1);
    });

    for (const [i, broker] of ["broker-1", "broker-2", "broker-3"].entries()) {
        await step(`${broker} is killed: messages sent afterwards arrive, once and in order`, async () => {
            await cluster.kill(broker);
            await round(2 * i + 2);
            await cluster.startNodes(broker);
            await waitFor("all brokers are open", async () => {
                const states = await Promise.all([1, 2, 3].map(async (n) => (await cluster.status(`broker-${n}`)).state));
                return states.every((state) => state === "open");
            }, 20);
            await round(2 * i + 3);
        });
    }

    await step("messages in flight while a broker dies are delivered once and in order, and nobody is disconnected", async () => {
        const n = users.length;
        const acks = [];
        for (let k = 8; k <= 60; k++) {
            acks.push(...users.map((para) => sender.ask({ para, mensaje: k }, 20)));
            if (k === 30) {
                await cluster.kill("broker-2");
            }
        }
        assert.ok((await Promise.all(acks)).every((ack) => ack.ok === true));
        await waitFor("all have all", () => counts().every((count) => count === 60), 20);
        await waitFor("the admin has all", () => admin.received.length === 60 * n);
        assert.ok([...clients].every(inOrder), "order and no copies");
        assert.ok([admin, sender, ...clients].every((client) => client.disconnected === null));
        await cluster.startNodes("broker-2");
    });

    await step("a new client connects and is reached after all that", async () => {
        const late = await cluster.connect({ user: "tarde", gateway: 2 });
        await sender.sendStored("tarde", "hola");
        assert.deepEqual(await late.receive(1), [{ de: "origen", mensaje: "hola" }]);
    });
});
