// A round-robin load balancer without sticky sessions: each connection goes to the next server that takes it.
import { once } from "node:events";
import net from "node:net";

/** servers: "http://host:port" each. {url, stop()}. */
export async function startProxy(servers) {
    const targets = servers.map((url) => new URL(url)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) }));
    const open = new Set();
    let turn = 0;

    /** first: where this connection began, since others take their turns meanwhile. */
    function connect(client, first, tries = 0) {
        const server = net.connect({ ...targets[(first + tries) % targets.length], noDelay: true });
        let connected = false;
        open.add(server);
        server.on("connect", () => {
            connected = true;
            client.pipe(server).pipe(client);
        });
        server.on("error", () => { /* close follows */ });
        server.on("close", () => {
            open.delete(server);
            if (!connected && tries + 1 < targets.length && !client.destroyed) {
                connect(client, first, tries + 1);
            } else {
                client.destroy();
            }
        });
        client.on("close", () => server.destroy());
    }

    const proxy = net.createServer({ allowHalfOpen: false, noDelay: true }, (client) => {
        open.add(client);
        client.on("error", () => { /* close follows */ });
        client.on("close", () => open.delete(client));
        connect(client, turn++);
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    return {
        url: `http://127.0.0.1:${proxy.address().port}`,
        stop() {
            proxy.close();
            open.forEach((socket) => socket.destroy());
        },
    };
}
