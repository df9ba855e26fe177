// A PostgreSQL server of a test's own: Debian's programs, on a free port, in a directory of its own.
import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { waitFor } from "./wait.mjs";

const PROGRAMS = "/usr/lib/postgresql";
const USER = "nobody"; // for the server when we are root, as which it does not run

function programs() {
    const version = existsSync(PROGRAMS) ? readdirSync(PROGRAMS).map(Number).sort((a, b) => a - b).pop() : undefined;
    if (version === undefined) {
        throw new Error(`no PostgreSQL in ${PROGRAMS}: deploy/install-deps --test installs it`);
    }
    return join(PROGRAMS, String(version), "bin");
}

const root = process.getuid() === 0;
const as = (command) => (root ? ["setpriv", `--reuid=${USER}`, "--regid=nogroup", "--clear-groups", ...command] : command);

function run([program, ...args], env = {}) {
    return new Promise((resolve, reject) => {
        execFile(program, args, { env: { ...process.env, ...env }, cwd: "/", maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
            error ? reject(new Error(`${program} failed: ${stdout}${stderr}`)) : resolve(stdout);
        });
    });
}

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

export class Postgres {
    /** A server that answers; its superuser "boss" has this password. */
    static async start(password) {
        const server = new Postgres(password);
        await run(as([join(server.bin, "initdb"), "-D", join(server.dir, "data"), "-U", "boss", "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", "--no-sync", "--pwfile", server.passwordFile]));
        server.port = await freePort();
        await server.resume();
        return server;
    }

    constructor(password) {
        this.bin = programs();
        this.password = password;
        this.dir = mkdtempSync("/tmp/roomcast-postgres-"); // the server's user may not reach TMPDIR
        this.passwordFile = join(this.dir, "password");
        writeFileSync(this.passwordFile, password, { mode: 0o600 });
        this.child = null;
        if (root) {
            const [, uid] = new RegExp(`^${USER}:[^:]*:(\\d+)`, "m").exec(readFileSync("/etc/passwd", "utf8"));
            [this.dir, this.passwordFile].forEach((path) => chownSync(path, Number(uid), -1));
        }
        running.add(this);
    }

    /** Without the password. */
    url(database = "postgres", user = "boss") {
        return `postgresql://${user}@127.0.0.1:${this.port}/${database}`;
    }

    /** Starts it again, with its data. */
    async resume() {
        const settings = ["listen_addresses=127.0.0.1", `port=${this.port}`, `unix_socket_directories=${this.dir}`,
            "shared_buffers=16MB", "max_connections=20", "fsync=off"].flatMap((text) => ["-c", text]);
        await waitFor("PostgreSQL answers", async () => {
            if (this.child === null || this.child.exitCode !== null) { // until those of a killed one are all gone, it refuses
                const [program, ...args] = as([join(this.bin, "postgres"), "-D", join(this.dir, "data"), ...settings]);
                this.child = spawn(program, args, { stdio: "ignore", cwd: "/" });
            }
            return await this.query("SELECT 1") === "1";
        }, 20);
    }

    /** SQL to what psql -At prints. */
    async query(sql, database = "postgres") {
        const out = await run([join(this.bin, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, this.url(database)],
            { PGPASSWORD: this.password, PGCONNECT_TIMEOUT: "5" });
        return out.replace(/\n$/, "");
    }

    /** To the server and all of its processes: "STOP" and "CONT"; "KILL" and "INT" return when the server is gone. */
    async signal(name) {
        const { pid } = this.child;
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
        const gone = new Promise((resolve) => { this.child.once("exit", resolve); });
        for (const each of ["STOP", "CONT"].includes(name) ? [pid, ...children] : [pid]) {
            try {
                process.kill(each, `SIG${name}`);
            } catch { /* that of a query that has ended */ }
        }
        if (name === "KILL" || name === "INT") {
            await gone;
            this.child = null;
        }
    }

    async stop() {
        if (this.child !== null && this.child.exitCode === null) {
            await this.signal("CONT");
            await this.signal("INT");
        }
        running.delete(this);
        rmSync(this.dir, { recursive: true, force: true });
    }
}

// None outlives this process.
const running = new Set();
process.on("exit", () => running.forEach(({ child, dir }) => {
    child?.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
}));
