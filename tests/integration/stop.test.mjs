// A gateway that is told to stop: what its clients sent before is delivered, in order, whoever else hangs on its connection.
import assert from "node:assert/strict";
import net from "node:net";
import { clusterTest } from "./lib/cluster.mjs";
import { waitFor } from "./lib/wait.mjs";

/** Connections that never answer a FIN, as those of a phone out of reach. */
function halfOpen(url, count) {
    const { hostname: host, port } = new URL(url);
    return Array.from({ length: count }, () => {
        const socket = net.connect({ host, port, allowHalfOpen: true });
        socket.on("error", () => {}).on("data", () => {}).write("GET / HT");
        return socket;
    });
}

clusterTest("stop", { gateways: 2, settings: ["gateway.workers=2"] }, async (cluster, step) => {
    await step("SIGTERM of a gateway with clients that do not let go", async () => {
        const luis = await cluster.connect({ user: "luis", gateway: 2 });
        const senders = await Promise.all([1, 2, 3, 4].map((i) => cluster.connect({ user: `s${i}`, gateway: 1 })));
        const stuck = halfOpen(cluster.url(1), 8);
        const sent = [];
        let acked = 0;
        for (let n = 0; n < 200; n++) {
            senders.forEach((sender) => sent.push(sender.ask({ para: "luis", mensaje: n }, 20).then(() => { acked++; }, () => {})));
        }
        await waitFor("the first acks", () => acked >= 4);
        await cluster.kill("gateway-1", "TERM");
        stuck.forEach((socket) => socket.destroy());
        assert.doesNotMatch(cluster.log("gateway-1"), / fenced /, "its link loop went on");
        assert.ok(luis.received.length >= acked);
        for (const { de } of new Map(luis.received.map((message) => [message.de, message])).values()) {
            const numbers = luis.received.filter((message) => message.de === de).map(({ mensaje }) => mensaje);
            assert.deepEqual(numbers, numbers.map((_, i) => i), `${de}: in order, none left out`);
        }
    });

    await step("the brokers have heard its good-bye, and the others go on", async () => {
        for (const broker of ["broker-1", "broker-2", "broker-3"]) {
            await waitFor("it is gone", async () => (await cluster.status(broker)).metrics.live_gateways === 1, 2);
        }
        const ana = await cluster.connect({ user: "ana", gateway: 2 });
        await ana.sendStored("luis", "sigo");
    });
});
