// A round-robin load balancer without sticky sessions: each connection goes to the next server that takes it. With one server it
// is a relay, which can make the way longer.
import { once } from "node:events";
import net from "node:net";
import { Transform } from "node:stream";

/** Passes everything on, and the end too, ms later. */
function late(ms) {
    const inTime = (work) => setTimeout(work, ms); // timers of one length expire in the order in which they were set
    return new Transform({
        transform(piece, encoding, done) {
            inTime(() => this.push(piece));
            done();
        },
        flush: inTime,
    });
}

/** servers: "http://host:port" each. host, port: where it listens. delay: ms, each way. {url, stop()}. */
export async function startProxy(servers, { host = "127.0.0.1", port = 0, delay = 0 } = {}) {
    const targets = servers.map((url) => new URL(url)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) }));
    const open = new Set();
    let turn = 0;

    /** After what is under way. */
    const close = (socket) => (delay > 0 ? setTimeout(() => socket.destroySoon(), delay) : socket.destroy());

    /** first: where this connection began, since others take their turns meanwhile. */
    function connect(client, first, tries = 0) {
        const server = net.connect(targets[(first + tries) % targets.length]);
        let connected = false;
        open.add(server);
        server.on("connect", () => {
            connected = true;
            if (delay > 0) {
                client.pipe(late(delay)).pipe(server).pipe(late(delay)).pipe(client);
            } else {
                client.pipe(server).pipe(client);
            }
        });
        server.on("error", () => { /* close follows */ });
        server.on("close", () => {
            open.delete(server);
            if (!connected && tries + 1 < targets.length && !client.destroyed) {
                connect(client, first, tries + 1);
            } else {
                close(client);
            }
        });
        client.on("close", () => close(server));
    }

    const proxy = net.createServer({ allowHalfOpen: false }, (client) => {
        open.add(client);
        client.on("error", () => { /* close follows */ });
        client.on("close", () => open.delete(client));
        connect(client, turn++);
    });
    await once(proxy.listen(port, host), "listening");
    return {
        url: `http://${host}:${proxy.address().port}`,
        stop() {
            proxy.close();
            open.forEach((socket) => socket.destroy());
        },
    };
}
