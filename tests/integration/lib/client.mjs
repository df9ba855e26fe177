// A chat client as a browser tab has it: npm's socket.io-client with the cookie `token`.
import http from "node:http";
import { io } from "socket.io-client";
import { SCALE, waitFor, within } from "./wait.mjs";

/** One connected socket. `received` holds the mensaje_recibido payloads in the order of their arrival. */
export class Client {
    constructor(url, cookie, options = {}) {
        this.received = [];
        this.disconnected = null; // the reason, once it happened
        this.socket = io(url, {
            transports: ["websocket"], forceNew: true, reconnection: false, autoConnect: false, timeout: 20000 * SCALE,
            ...(cookie === null ? {} : { extraHeaders: { cookie } }),
            ...options,
        });
        this.socket.on("mensaje_recibido", (message) => this.received.push(message));
        this.socket.on("disconnect", (reason) => { this.disconnected = reason; });
    }

    /** Resolves when the CONNECT is answered; rejects with the server's words (error.message) when it is refused. */
    connect(seconds = 10) {
        return within("connect", new Promise((resolve, reject) => {
            this.socket.once("connect", () => resolve(this));
            this.socket.once("connect_error", reject);
            this.socket.connect();
        }), seconds);
    }

    /** Sends without asking for an ack. */
    send(para, mensaje) {
        this.socket.emit("mensaje_privado", { para, mensaje });
    }

    /** Sends and returns the ack: {ok: true} or {error}. */
    ask(payload, seconds = 10) {
        return within("ack", new Promise((resolve) => this.socket.emit("mensaje_privado", payload, resolve)), seconds);
    }

    /** Like ask; throws when the message was refused. */
    async sendStored(para, mensaje, seconds = 10) {
        const ack = await this.ask({ para, mensaje }, seconds);
        if (ack?.ok !== true) {
            throw new Error(`refused: ${JSON.stringify(ack)}`);
        }
    }

    /** Resolves with `received` when it holds count messages at least. */
    async receive(count, seconds = 10) {
        await waitFor(`${count} messages, has ${this.received.length}`, () => this.received.length >= count, seconds);
        return this.received;
    }

    close() {
        this.socket.close();
    }
}

/** GET with an optional cookie header: {status, headers, body (bytes), text, json} (json undefined when the body is none). */
export function httpGet(url, cookie = null, options = {}) {
    return within(`GET ${url}`, new Promise((resolve, reject) => {
        const headers = { ...(cookie === null ? {} : { cookie }), ...options.headers };
        const request = http.request(url, { agent: false, method: "GET", ...options, headers }, (answer) => {
            const pieces = [];
            answer.on("data", (piece) => pieces.push(piece)).on("error", reject).on("end", () => {
                const body = Buffer.concat(pieces), text = body.toString();
                let json;
                try {
                    json = JSON.parse(text);
                } catch { /* not JSON */ }
                resolve({ status: answer.statusCode, headers: answer.headers, body, text, json });
            });
        });
        request.on("error", reject);
        request.end(options.body);
    }));
}
