// HTTP/1.1 on a bare connection, and Engine.IO sessions on long-polling, request by request.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { waitFor, within } from "../../integration/lib/wait.mjs";
import { RawClient } from "./conformance.mjs";

export const SEPARATOR = "\x1e";
export const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';

/** A connection whose responses are read in their order. Bodies need a Content-Length. */
export class Connection {
    #bytes = Buffer.alloc(0);
    #waiting = [];

    constructor(server) {
        this.socket = net.connect(server.port, "127.0.0.1");
        this.socket.on("data", (data) => {
            this.#bytes = Buffer.concat([this.#bytes, data]);
            this.#settle();
        });
        this.ended = once(this.socket, "end");
        this.ended.catch(() => {});
        this.socket.on("error", () => {});
    }

    #parse() {
        const end = this.#bytes.indexOf("\r\n\r\n");
        if (end < 0) {
            return undefined;
        }
        const [line, ...fields] = this.#bytes.toString("latin1", 0, end).split("\r\n");
        const headers = Object.fromEntries(fields.map((field) => {
            const [, name, value] = /^([^:]+): (.*)$/.exec(field);
            return [name.toLowerCase(), value];
        }));
        const status = Number(line.split(" ")[1]);
        const start = end + 4;
        const length = status < 200 ? 0 : Number(headers["content-length"]);
        if (this.#bytes.length < start + length) {
            return undefined;
        }
        const body = this.#bytes.subarray(start, start + length).toString();
        this.#bytes = this.#bytes.subarray(start + length);
        return { status, headers, body };
    }

    #settle() {
        for (let response; this.#waiting.length && (response = this.#parse());) {
            this.#waiting.shift()(response);
        }
    }

    /** The next response: {status, headers, body}. */
    next() {
        const response = new Promise((resolve) => this.#waiting.push(resolve));
        this.#settle();
        return within("a response", response);
    }

    write(bytes) {
        this.socket.write(bytes);
    }

    request(method, target, { headers = {}, body } = {}) {
        this.write(request(method, target, { headers, body }));
        return this.next();
    }

    end() {
        return within("the server closes the connection", this.ended);
    }

    destroy() {
        this.socket.destroy();
    }
}

/** A request's bytes; body, if any, sets its length. */
export function request(method, target, { headers = {}, body } = {}) {
    const fields = { Host: "x", ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }), ...headers };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return `${method} ${target} HTTP/1.1\r\n${head}\r\n${body ?? ""}`;
}

/** An open session: polls on one connection, posts on another, probes on a third. */
export class Session {
    static async open(server, path = "/engine.io/") {
        const session = new Session();
        Object.assign(session, { server, path, connections: [] });
        session.getting = session.connection();
        session.posting = session.connection();
        session.probing = session.connection();
        const { body } = await session.getting.request("GET", `${path}?EIO=4&transport=polling`);
        session.handshake = JSON.parse(body.slice(1));
        session.target = `${path}?EIO=4&transport=polling&sid=${session.handshake.sid}`;
        return session;
    }

    connection() {
        const connection = new Connection(this.server);
        this.connections.push(connection);
        return connection;
    }

    poll(connection = this.getting) {
        return connection.request("GET", this.target);
    }

    post(body, headers = {}, connection = this.posting) {
        return connection.request("POST", this.target, { headers, body });
    }

    /** A method that asks the session for nothing tells whether it is there. */
    async alive() {
        const { status, body } = await this.probing.request("PUT", this.target);
        return status === 500 || (JSON.parse(body).code === 1 ? false : undefined);
    }

    async gone() {
        await waitFor("the session is gone", async () => !await this.alive());
    }

    /** A WebSocket that wants to take the session over. */
    async candidate() {
        const client = new RawClient(`${this.server.ws}${this.path}?EIO=4&transport=websocket&sid=${this.handshake.sid}`);
        await within("the candidate opens", client.opened);
        this.connections.push({ destroy: () => client.close() });
        return client;
    }

    destroy() {
        this.connections.forEach((connection) => connection.destroy());
    }
}

/** The answer to a POST that was taken. */
export function ok({ status, body }) {
    assert.deepEqual([status, body], [200, "ok"]);
}
