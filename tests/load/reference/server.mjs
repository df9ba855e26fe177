// The support chat on npm's socket.io: what Roomcast is compared with. Alone, or with --redis as one of several nodes behind
// @socket.io/redis-adapter. It stores nothing.
// usage: node tests/load/reference/server.mjs --port 3000 --secret-file FILE [--redis redis://127.0.0.1:6379]
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const { values: options } = parseArgs({ options: {
    port: { type: "string", default: "0" }, "secret-file": { type: "string" }, redis: { type: "string" },
} });
const secret = readFileSync(options["secret-file"], "utf8").trim();

/** The claims of an HS256 token, or null: what jsonwebtoken's verify does, without its generality. */
function verify(token) {
    const [head, body, signature] = token.split(".");
    const right = createHmac("sha256", secret).update(`${head}.${body}`).digest();
    const given = Buffer.from(signature ?? "", "base64url");
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
        return null;
    }
    const claims = JSON.parse(Buffer.from(body, "base64url").toString());
    return claims.exp === undefined || claims.exp > Date.now() / 1000 ? claims : null;
}

async function adapter(url) {
    const [{ createAdapter }, { createClient }] = await Promise.all([import("@socket.io/redis-adapter"), import("redis")]);
    const publisher = createClient({ url });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    return createAdapter(publisher, subscriber);
}

const server = http.createServer((_, answer) => answer.writeHead(404).end());
const io = new Server(server, { serveClient: false, ...(options.redis && { adapter: await adapter(options.redis) }) });

io.use((socket, next) => {
    const cookie = socket.request.headers.cookie;
    const token = cookie && /token=([^;]+)/.exec(cookie)?.[1];
    socket.data.claims = token && verify(token);
    const why = cookie ? token ? "Token inválido" : "Token no proporcionado" : "No autenticado";
    next(socket.data.claims ? undefined : new Error(why));
});

io.on("connection", (socket) => {
    const { user, rol } = socket.data.claims;
    socket.join(`user:${user}`);
    if (rol === "admin") {
        socket.join("admins");
    }
    socket.on("mensaje_privado", (event, ack) => {
        const { para, mensaje } = event ?? {};
        io.to(`user:${para}`).emit("mensaje_recibido", { de: user, mensaje });
        if (rol !== "admin") {
            io.to("admins").emit("mensaje_recibido", { de: user, mensaje });
        }
        ack?.({ ok: true });
    });
});

server.listen(Number(options.port), "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.on("SIGTERM", () => process.exit(0));
