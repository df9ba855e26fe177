// A small server that speaks enough Socket.IO for roomcast-bench, on the package `ws` alone, and that can be told to do wrong: to
// lose, double, reorder or misdeliver one delivery in N, to refuse one ack in N, to end a connection at every Nth message. It tells
// at its end what it did, as JSON, so that tests can compare counts.
// usage: node tests/load/faulty/server.mjs [--port 0] --secret-file FILE [--drop N] [--double N] [--reorder N] [--stray N]
//                                          [--garble N] [--refuse N] [--disconnect N] [--turn-away N]
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const FAULTS = ["drop", "double", "reorder", "stray", "garble", "refuse", "disconnect", "turn-away"];
const { values: options } = parseArgs({ options: {
    port: { type: "string", default: "0" }, "secret-file": { type: "string" },
    ...Object.fromEntries(FAULTS.map((name) => [name, { type: "string", default: "0" }])),
} });
const secret = readFileSync(options["secret-file"], "utf8").trim();
const every = Object.fromEntries(FAULTS.map((name) => [name, Number(options[name])]));
const seen = Object.fromEntries(FAULTS.map((name) => [name, 0])); // chances to do wrong
const done = Object.fromEntries(FAULTS.map((name) => [name, 0]));
const rooms = new Map(); // name -> Set of sockets
const everybody = new Set();
let held = 0; // deliveries, to be late

/** Whether it is time for this fault. */
function wrong(fault) {
    if (every[fault] === 0 || ++seen[fault] % every[fault] !== 0) {
        return false;
    }
    done[fault]++;
    return true;
}

function claimsOf(request) {
    const token = /(?:^|; *)token=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const [head, body, signature] = token.split(".");
    const right = createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url");
    return signature === right ? JSON.parse(Buffer.from(body, "base64url").toString()) : null;
}

function join(socket, room) {
    rooms.set(room, (rooms.get(room) ?? new Set()).add(socket));
    socket.rooms.push(room);
}

function deliver(socket, from, text) {
    if (wrong("drop")) {
        return;
    }
    if (wrong("stray")) {
        socket = [...everybody].find((other) => other !== socket && other.admin !== socket.admin) ?? socket;
    }
    if (wrong("garble")) {
        text = text.replace(/(.)"}\]$/, (_, last) => `${last === "~" ? "#" : "~"}"}]`);
    }
    if (!socket.held.has(from) && wrong("reorder")) {
        held++;
        socket.held.set(from, text); // until a later one of this sender went out
        return;
    }
    socket.send(text);
    if (wrong("double")) {
        socket.send(text);
    }
    if (socket.held.has(from)) {
        socket.send(socket.held.get(from));
        socket.held.delete(from);
        held--;
    }
}

function takeMessage(socket, id, { para, mensaje }) {
    const targets = new Set([...(rooms.get(`user:${para}`) ?? []), ...(socket.admin ? [] : rooms.get("admins") ?? [])]);
    const text = `42${JSON.stringify(["mensaje_recibido", { de: socket.user, mensaje }])}`;
    if (wrong("refuse")) {
        socket.send(`43${id}[{"error":"refused"}]`);
        return;
    }
    targets.forEach((target) => deliver(target, socket.user, text));
    if (id !== "") {
        socket.send(`43${id}[{"ok":true}]`);
    }
    if (wrong("disconnect")) {
        socket.close(1011, "told to");
    }
}

function takePacket(socket, text) {
    if (text === "40") {
        join(socket, `user:${socket.user}`);
        if (socket.admin) {
            join(socket, "admins");
        }
        everybody.add(socket);
        socket.send(`40{"sid":"${randomBytes(15).toString("base64url")}"}`);
    } else if (text.startsWith("42")) {
        const [, id, json] = /^42(\d*)(\[.*)$/s.exec(text);
        takeMessage(socket, id, JSON.parse(json)[1]);
    }
}

const server = http.createServer((_, answer) => answer.writeHead(404).end());
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on("upgrade", (request, stream, head) => {
    const claims = claimsOf(request);
    if (wrong("turn-away")) {
        stream.end("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n");
        return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
        Object.assign(socket, { user: claims?.user, admin: claims?.rol === "admin", rooms: [], held: new Map() });
        socket.on("message", (data) => takePacket(socket, data.toString()));
        socket.on("close", () => {
            everybody.delete(socket);
            socket.rooms.forEach((room) => rooms.get(room).delete(socket));
        });
        socket.on("error", () => {});
        socket.send(claims ? '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}' : "1");
    });
});
server.listen(Number(options.port), "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.on("SIGTERM", () => {
    done.reorder -= held; // nothing came behind them
    done.drop += held;
    console.log(JSON.stringify(done));
    process.exit(0);
});
