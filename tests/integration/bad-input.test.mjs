// Each kind of bad input ends in a clear message and the right exit code, or in the end of that connection, and nothing else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { BIN, clusterTest, run } from "./lib/cluster.mjs";
import { waitFor, within } from "./lib/wait.mjs";

const ROLES = ["gateway", "broker", "persister"];
const program = (role) => join(BIN, `roomcast-${role}`);

/** Flags that turn the configuration of node 1 of a role into that of another node, on ports that the cluster leaves free. */
function stranger(cluster, role) {
    const base = cluster.description.base_port;
    const address = (offset) => `127.0.0.1:${base + offset}`;
    return [
        "--config", cluster.node(`${role}-1`).config, `--node.id=${role}-1`,
        `--cluster.listen=${address(24)}`, `--admin.listen=${address(49)}`,
        ...(role === "gateway" ? [`--listen=${address(74)}`] : []),
        ...(role === "broker" ? [`--topic.listen=${address(99)}`] : []),
        ...(role === "persister" ? [`--data.dir=${join(cluster.dir, "data", "stranger")}`] : []),
    ];
}

/** Runs a daemon that is expected to refuse its start; checks exit code and message. */
async function refuses(role, args, code, message) {
    const result = await run(program(role), args, { seconds: 10 });
    const what = `roomcast-${role} ${args.join(" ")}\n${result.stdout}${result.stderr}`;
    assert.equal(result.code, code, what);
    assert.match(result.stderr, message, what);
}

/** A message goes from one gateway to the other and is stored: what no bad input may hinder. */
async function chatWorks(cluster) {
    const ana = await cluster.connect({ user: "ana", gateway: 1 });
    const luis = await cluster.connect({ user: "luis", gateway: 2 });
    await ana.sendStored("luis", "hola");
    assert.deepEqual(await luis.receive(1), [{ de: "ana", mensaje: "hola" }]);
    ana.close();
    luis.close();
}

/** Sends bytes to host:port; resolves when the other side has closed, or after it had them for a moment and kept silent. */
async function throwAt(address, bytes) {
    const socket = net.connect(Number(address.split(":")[1]), "127.0.0.1");
    socket.on("error", () => {}); // a reset is as good as a close
    await within(`connect to ${address}`, once(socket, "connect"));
    socket.write(bytes);
    socket.resume();
    await Promise.race([once(socket, "close"), new Promise((resolve) => setTimeout(resolve, 100))]);
    socket.destroy();
}

clusterTest("bad input", { gateways: 2, brokers: 3, persisters: 1 }, async (cluster, step) => {
    const file = (name, text, mode = 0o600) => {
        const path = join(cluster.dir, name);
        writeFileSync(path, text);
        chmodSync(path, mode);
        return path;
    };

    for (const role of ROLES) {
        await step(`${role}: a cluster secret that is missing, short, not there, or open to others`, async () => {
            const set = (path) => [...stranger(cluster, role), `--cluster.secret_file=${path}`];
            await refuses(role, set(""), 78, /cluster\.secret_file is not set/);
            await refuses(role, set(file("short.secret", "too short\n")), 78, /short\.secret .*has 9 bytes, it must have 32/);
            await refuses(role, set(join(cluster.dir, "nowhere")), 78, /cannot open .*nowhere: No such file/);
            await refuses(role, set(file("open.secret", "x".repeat(40), 0o644)), 78, /mode 644.*chmod 600/);
        });

        await step(`${role}: unknown options are named with file and line, and the nearest known one`, async () => {
            const text = readFileSync(cluster.node(`${role}-1`).config, "utf8");
            const path = file("unknown.ini", `${text}\n[log]\nlevle = info\n`);
            const line = text.split("\n").length + 2;
            await refuses(role, ["--config", path], 78, new RegExp(`unknown\\.ini:${line}: .*log\\.levle.*log\\.level`));
            await refuses(role, [...stranger(cluster, role), "--admin.lisen=127.0.0.1:1"], 64, /admin\.lisen.*admin\.listen/);
            await refuses(role, [...stranger(cluster, role), "more"], 64, /more/);
            await refuses(role, ["--config", join(cluster.dir, "nowhere.ini")], 78, /nowhere\.ini/);
        });

        await step(`${role}: bad values are refused with what would be right`, async () => {
            const flags = stranger(cluster, role);
            await refuses(role, [...flags, "--times.scale=fast"], 64, /times\.scale/);
            await refuses(role, [...flags, "--admin.listen=127.0.0.1:99999"], 64, /admin\.listen/);
            await refuses(role, [...flags, "--cluster.brokers=broker-1"], 78, /cluster\.brokers: .*broker-1/);
            await refuses(role, [...flags, "--times.session=1"], 78, /session|times/);
            await refuses(role, [...flags, "--admin.listen=0.0.0.0:1"], 78, /admin\.listen: .*admin\.token_file/);
        });

        await step(`${role}: --check-config judges without starting`, async () => {
            const good = await run(program(role), [...stranger(cluster, role), "--check-config"]);
            assert.equal(good.code, 0, good.stderr);
            await refuses(role, [...stranger(cluster, role), "--check-config", "--cluster.secret_file="], 78, /secret_file/);
        });

        await step(`${role}: an address in use is named`, async () => {
            const node = cluster.node(`${role}-1`);
            const taken = { "cluster.listen": node.link, "admin.listen": node.admin };
            if (role === "gateway") {
                taken.listen = node.url.replace("http://", "");
            } else if (role === "broker") {
                taken["topic.listen"] = node.topic;
            }
            for (const [option, address] of Object.entries(taken)) {
                await refuses(role, [...stranger(cluster, role), `--${option}=${address}`], 69,
                    new RegExp(`cannot (listen|publish) on \\W?${address}\\W.*in use`));
            }
        });
    }

    await step("gateway: a token secret that is missing, short or open to others; an unknown algorithm", async () => {
        const set = (path) => [...stranger(cluster, "gateway"), `--jwt.secret_file=${path}`];
        await refuses("gateway", set(""), 78, /jwt\.secret_file/);
        await refuses("gateway", set(file("short.secret", "too short")), 78, /32/);
        await refuses("gateway", set(file("open.secret", "x".repeat(40), 0o640)), 78, /chmod 600/);
        await refuses("gateway", [...stranger(cluster, "gateway"), "--jwt.algorithm=none"], 64, /HS256/);
    });

    await step("gateway: origins that no page has", async () => {
        const set = (list) => [...stranger(cluster, "gateway"), `--cors.origins=${list}`];
        await refuses("gateway", set("https://app.example/"), 78, /cors\.origins: "https:\/\/app\.example\/" has .*slash.*right is/);
        await refuses("gateway", set("*,app.example"), 78, /cors\.origins: "app\.example" has no scheme; right is scheme:\/\//);
        await refuses("gateway", set("Null"), 78, /cors\.origins: "Null" has no scheme/);
    });

    await step("gateway: namespaces that no client could enter", async () => {
        const set = (list) => [...stranger(cluster, "gateway"), `--sio.namespaces=${list}`];
        await refuses("gateway", set("/,soporte"), 78, /sio\.namespaces: "soporte" does not begin with a slash; right are/);
        await refuses("gateway", set("/a,/a"), 78, /sio\.namespaces: "\/a" is there twice/);
        await refuses("gateway", set(`/${"a".repeat(128)}`), 78, /sio\.namespaces: .*longer than 128 bytes/);
    });

    await step("gateway: the demo page refuses a listener that is not loopback", async () => {
        await refuses("gateway", [...stranger(cluster, "gateway"), "--demo", "--listen=0.0.0.0:1"], 78, /demo/);
    });

    await step("gateway: a folder of client scripts that has none", async () => {
        await refuses("gateway", [...stranger(cluster, "gateway"), `--client.dir=${cluster.dir}`], 78,
            /client\.dir: cannot read .*\/socket\.io\.js: No such file.*dist folder.*deploy\/install-deps/);
    });

    await step("persister: a data directory that cannot be used", async () => {
        const set = (path) => [...stranger(cluster, "persister"), `--data.dir=${path}`];
        await refuses("persister", set(file("a-file", "")), 73, /data\.dir .*a-file is not a directory/);
        await refuses("persister", set("/proc/roomcast"), 73, /data\.dir \/proc\/roomcast/);
        await refuses("persister", set(join(cluster.dir, "no", "parent")), 73, /data\.dir/);
        await refuses("persister", set(cluster.node("persister-1").data), 73, /data\.dir/); // in use by another process
        mkdirSync(join(cluster.dir, "foreign"), { recursive: true });
        writeFileSync(join(cluster.dir, "foreign", "data.mdb"), randomBytes(8192));
        await refuses("persister", set(join(cluster.dir, "foreign")), 73, /data\.dir/);
        await refuses("persister", [...set(join(cluster.dir, "new")), "--store.keep_bytes=60g"], 78,
            /store\.keep_bytes is 64424509440; it is 0, or 1m to four fifths of data\.map_size/);
    });

    await step("nothing of that touched the cluster", () => chatWorks(cluster));

    await step("a node with another cluster secret stays outside, and both sides say why", async () => {
        const secret = file("other.secret", randomBytes(32).toString("hex"));
        const args = [...stranger(cluster, "gateway"), "--node.id=gateway-9", `--cluster.secret_file=${secret}`];
        const intruder = spawn(program("gateway"), args, { stdio: ["ignore", "ignore", "pipe"] });
        let log = "";
        intruder.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
        try {
            const brokers = ["broker-1", "broker-2", "broker-3"];
            await waitFor("all brokers refuse the secret", () => brokers.every((name) => /secret differs/.test(cluster.log(name))));
            await waitFor("the intruder is told", () => /secret/.test(log));
            await chatWorks(cluster);
            assert.doesNotMatch(log, /event=ready|\bready\b.*node=gateway-9/);
            for (const name of brokers) {
                assert.ok(!(await cluster.status(name)).map.some((node) => node.name === "gateway-9"), "not in the map");
                assert.ok(await cluster.metric(name, "link_ended_secret_total") > 0, "counted");
            }
        } finally {
            intruder.kill("SIGTERM");
        }
        const [code] = await within("the intruder stops", once(intruder, "exit"), 15);
        assert.equal(code, 0, log);
    });

    const garbage = {
        "random bytes": randomBytes(4096),
        "a length of 4 GiB": Buffer.concat([Buffer.from("ffffffff", "hex"), randomBytes(64)]),
        "an empty frame": Buffer.from("00000000", "hex"),
        "half a frame": Buffer.from("00000100aa", "hex"),
        "an nng header": Buffer.from("0053500000500000ffffffffffffffff", "hex"),
        "an HTTP request": Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        "no HTTP request": Buffer.from("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "latin1"),
        "a header without end": Buffer.from(`GET / HTTP/1.1\r\nX: ${"y".repeat(200000)}`),
        "nothing": Buffer.alloc(0),
    };
    await step("garbage on every port ends that connection only", async () => {
        const before = cluster.nodes;
        for (const node of before) {
            const addresses = [node.link, node.admin, node.topic, node.url?.replace("http://", "")].filter(Boolean);
            for (const address of addresses) {
                await Promise.all(Object.values(garbage).map((bytes) => throwAt(address, bytes)));
            }
        }
        assert.equal((await cluster.ctl("status")).code, 0);
        assert.deepEqual(cluster.nodes.map(({ pid }) => pid), before.map(({ pid }) => pid));
        for (const node of before) {
            assert.match(cluster.log(node.name), /link-refused/, `${node.name} says that it refused strangers`);
            assert.ok(await cluster.metric(node.name, "link_ended_garbage_total") > 0, `${node.name} counts them`);
        }
        await chatWorks(cluster);
    });
});
