// npm's socket.io-client on long-polling, and on its way from there to a WebSocket.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { startConformance } from "./lib/conformance.mjs";
import { waitFor, within } from "../integration/lib/wait.mjs";

describe("npm's socket.io-client", () => {
    let server;
    let socket;
    before(async () => {
        server = await startConformance("socketio", "--ping-interval", "300", "--ping-timeout", "1000");
    });
    after(() => server.stop());
    afterEach(() => socket?.close());

    const connect = async (transports, options = {}) => {
        socket = io(server.url, { transports, forceNew: true, ...options });
        await within("connect", once(socket, "connect"));
    };
    const transport = () => socket.io.engine.transport.name;
    const echo = async (...args) => {
        const back = once(socket, "message-back");
        socket.emit("message", ...args);
        return within("echo", back);
    };

    for (const transports of [["polling"], ["polling", "websocket"]]) {
        const last = transports.at(-1);
        describe(`on ${transports.join(", then ")}`, () => {
            test("gets its auth payload, and exchanges events with binary and acks", async () => {
                socket = io(server.url, { transports, forceNew: true, auth: { token: "ñandú" } });
                assert.deepEqual(await within("auth", once(socket, "auth")), [{ token: "ñandú" }]);
                const parts = [Buffer.from([0, 255, 30, 10]), { deep: [Buffer.alloc(0), Buffer.alloc(70000, 7)] }];
                for (const args of [[1, "dos", { tres: [null, true] }], parts, ["4\x1e😀\u2028"]]) {
                    assert.deepEqual(await echo(...args), args);
                    const ack = await within("ack", socket.emitWithAck("message-with-ack", args[0]));
                    assert.deepEqual(ack, args[0]);
                }
                await waitFor("its transport", () => transport() === last);
            });

            test("keeps the order of thousands of events, each once", async () => {
                const seen = [];
                let sent = 0;
                socket = io(server.url, { transports, forceNew: true });
                socket.on("message-back", (n) => seen.push(n));
                await within("connect", once(socket, "connect"));
                // Bursts, so that some are under way at every moment of the upgrade, and more behind it.
                await waitFor("the upgrade amid events", () => {
                    for (let n = 0; n < 200; n++) {
                        socket.emit("message", sent++);
                    }
                    return sent >= 4000 && transport() === last;
                }, 30);
                await waitFor("all echoes", () => seen.length >= sent, 30);
                assert.equal(await within("ack", socket.emitWithAck("message-with-ack", "end")), "end");
                assert.deepEqual(seen, [...Array(sent).keys()]);
            });

            test("stays over many heartbeats", async () => {
                await connect(transports);
                let ended;
                let pings = 0;
                socket.on("disconnect", (reason) => (ended = reason));
                await within("pings", new Promise((resolve) => socket.io.on("ping", () => ++pings === 5 && resolve())));
                assert.equal(ended, undefined);
                assert.equal(transport(), last);
            });

            test("disconnects and connects again", async () => {
                await connect(transports);
                const { id } = socket;
                socket.disconnect();
                socket.connect();
                await within("connect", once(socket, "connect"));
                assert.notEqual(socket.id, id);
                assert.deepEqual(await echo("again"), ["again"]);
                await waitFor("its transport", () => transport() === last);
            });

            test("reconnects by itself when its engine is lost", async () => {
                await connect(transports, { reconnectionDelay: 10 });
                await waitFor("its transport", () => transport() === last);
                const lost = once(socket, "disconnect");
                const back = once(socket, "connect");
                socket.io.engine.close();
                await within("disconnect", lost);
                await within("connect", back);
                assert.deepEqual(await echo("again"), ["again"]);
            });

            test("enters a second namespace, and is refused one that does not exist", async () => {
                await connect(transports);
                const custom = socket.io.socket("/custom");
                await within("connect", once(custom, "connect"));
                custom.emit("message", "there");
                assert.deepEqual(await within("echo", once(custom, "message-back")), ["there"]);
                const random = socket.io.socket("/random");
                const [error] = await within("refusal", once(random, "connect_error"));
                assert.equal(error.message, "Invalid namespace");
                custom.disconnect(); // the connection ends with the last of its sockets
                random.disconnect();
            });
        });
    }

    test("does not upgrade when it does not want to", async () => {
        await connect(["polling", "websocket"], { upgrade: false });
        assert.deepEqual(await echo("x"), ["x"]);
        assert.equal(transport(), "polling");
    });

    test("upgrades while nothing is said", async () => {
        await connect(["polling", "websocket"]);
        await waitFor("the upgrade", () => transport() === "websocket");
        assert.deepEqual(await echo("x"), ["x"]);
    });
});
