/*
 * File systems of a test's own, in a mount namespace that nobody else sees: a process holds it and ends with this one.
 *
 *   const mounts = await makeMounts();
 *   await mounts.mount("-t", "tmpfs", "-o", "size=4m", "none", dir);
 *   ... Cluster option `within: mounts.within`: its nodes see it
 *   writeFileSync(mounts.see(join(dir, "file")), ...)    // this process does, too
 *   mounts.close();
 *
 * why: why it cannot be done here (it wants root), null if it can; the caller skips the test then.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { run } from "./cluster.mjs";

class Mounts {
    constructor(holder, why) {
        Object.assign(this, { holder, why, within: ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--"] });
    }

    /** The arguments are those of mount(8). */
    async mount(...args) {
        const [program, ...before] = this.within;
        const { code, stderr } = await run(program, [...before, "mount", ...args]);
        if (code !== 0) {
            throw new Error(`mount ${args.join(" ")}: ${stderr}`);
        }
    }

    /** Where this process finds what the namespace has at this path. */
    see(path) {
        return `/proc/${this.holder.pid}/root${path}`;
    }

    close() {
        this.holder.stdin.end();
    }
}

export async function makeMounts() {
    const holder = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", "echo ready; exec cat"]);
    let said = "";
    holder.on("error", (error) => { said += error.message; });
    holder.stderr.on("data", (text) => { said += text; });
    const [answer] = await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
    return new Mounts(holder, String(answer) === "ready\n" ? null : `no mount namespace can be made here: ${said || answer}`);
}
