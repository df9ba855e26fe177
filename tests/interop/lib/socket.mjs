// A TCP connection that sends any bytes, and waits for what comes back without polling.
import net from "node:net";
import { within } from "../../integration/lib/wait.mjs";

export class Socket {
    ended = false; // the server closed its side
    failed = null; // the error that ended it, a reset say
    #wake = () => {};

    /** take(data) gets what comes. Half-open, so that the server's FIN is seen to come before ours. */
    constructor(server, take) {
        const event = (handle) => (value) => {
            handle(value);
            this.#wake();
        };
        this.socket = net.connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
        this.socket.on("data", event(take));
        this.socket.on("end", event(() => { this.ended = true; }));
        this.socket.on("error", event((error) => { this.failed = error; }));
    }

    /** Writes bytes (a string has one character a byte), in pieces of `chop` bytes when given. */
    write(bytes, chop = bytes.length) {
        for (let at = 0; at < bytes.length; at += chop) {
            this.socket.write(bytes.slice(at, at + chop), "latin1");
        }
    }

    /** One byte after the other, each in a turn of the event loop of its own. */
    async dribble(bytes) {
        for (let at = 0; at < bytes.length; at++) {
            this.socket.write(bytes.slice(at, at + 1), "latin1");
            await new Promise(setImmediate);
        }
    }

    /** Resolves when condition() holds; rejects when the connection ends before it does. */
    async until(what, condition) {
        const reached = async () => {
            while (!condition()) {
                if (this.failed || this.ended) {
                    throw new Error(`${what}: the connection ended${this.failed ? ` with ${this.failed.message}` : ""}`);
                }
                await new Promise((resolve) => { this.#wake = resolve; });
            }
        };
        await within(what, reached());
    }

    /** Resolves when the server has closed its side, in order; then closes ours. */
    async closing() {
        await this.until("the server closes TCP", () => this.ended);
        this.socket.destroy();
    }

    /** Forgets the connection. */
    drop() {
        this.socket.destroy();
    }
}
