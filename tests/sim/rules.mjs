// The rules of docs/protocol.md, each taken out once: what the code says, what it says without the rule, and where that shows.
//
//   file, from, to   of common/cluster; `from` stands there exactly once
//   run              faults and shape for roomcast-sim: a seed must turn red
//   cost, times      the rule saves something and promises nothing: this sum must be so many times the sound build's
//   unit, why        no fault shows it, because of that: the unit tests of this file must turn red instead

const three = "--nodes 3b3g2p --k 2";

export const rules = [
  // ---- 1. Sessions

  {
    rule: "S1 a fence takes a new incarnation", file: "serving.c",
    from: "g->inc = (known_inc > g->inc ? known_inc : g->inc) + 1;",
    to: "g->inc = known_inc > g->inc ? known_inc + 1 : g->inc;",
    run: "--faults iso",
  },
  {
    rule: "S2 a new HELLO ends the older session", file: "gateways.c",
    from: `if (e && e->s) {
        b->world.end(b->world.host, e->s, RC_END_REPLACED);`,
    to: `if (0) {
        b->world.end(b->world.host, e->s, RC_END_REPLACED);`,
    run: "--faults cut",
  },
  {
    rule: "S3 a gap ends the session", file: "session.c",
    from: "if (batch->seq != s->rx_seq + 1 || batch->ack > s->tx_seq) {", to: "if (batch->ack > s->tx_seq) {",
    run: "--faults lossy",
  },
  {
    rule: "S3 a batch of another session ends the session", file: "session.c",
    from: "if (batch->session != s->id || batch->from_inc != s->peer.inc || batch->to_inc != s->my_inc) {",
    to: "if (0) {",
    unit: "session", why: "a line is one connection, so that none comes",
  },
  {
    rule: "S3 an echo from the future ends the session", file: "session.c",
    from: "batch->echo != RC_NEVER && batch->echo > now", to: "batch->echo == RC_NEVER && batch->echo > now",
    unit: "session", why: "nobody here lies",
  },
  {
    rule: "S4 heartbeats of a gateway", file: "gateway.c",
    from: "if (b->s && now - b->s->sent_at >= t->h - t->tick / 2) {", to: "if (0) {",
    run: `--faults pause ${three}`,
  },
  {
    rule: "S4 heartbeats of a broker", file: "broker.c",
    from: "if (now - s->sent_at >= t->h - t->tick / 2) {", to: "if (0) {",
    run: "--faults brk",
  },
  {
    rule: "S4 ordinals go on over sessions", file: "gateway.c",
    from: "rc_session_new(peer, session, g->inc, b->base, rc_gw_now(g))",
    to: "rc_session_new(peer, session, g->inc, 0, rc_gw_now(g))",
    run: "--faults cut",
  },
  {
    rule: "S5 a broker's right from contact, not from heard", file: "live.c",
    from: "within(f, now, e->contact, b->config.times.l_a)", to: "within(f, now, e->heard, b->config.times.l_a)",
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "S5 a broker's knowledge of a broker from contact, not from heard", file: "broker.c",
    from: "note_contact(b, s, &p->contact);", to: "p->contact = s->heard;",
    run: "--faults gstartpause --nodes 3b2g --k 2",
  },
  {
    rule: "S5 a gateway's lease from contact, not from heard", file: "gateway.c",
    from: "rc_gw_contact(g, b, batch->echo);", to: "rc_gw_contact(g, b, rc_gw_now(g));",
    run: `--faults pauseiso ${three}`,
  },
  {
    rule: "S5 deaths from heard, not from contact", file: "live.c",
    from: "if (e->active && within(f, now, e->heard, t->l_d))",
    to: "if (e->active && within(f, now, e->contact, t->l_d))",
    unit: "live", why: "contact is behind heard by a round trip and H only, less than L_d - L_g",
  },
  {
    rule: "S6 a silent session is ended", file: "session.c",
    from: "return now - last > timeout;", to: "return now - last > 1000 * timeout;",
    run: "--faults brk",
  },

  // ---- 2. Times

  {
    rule: "S below L_g", file: "times.c",
    from: ".s = 1000 * ms,", to: ".s = 8000 * ms,",
    run: `--faults crashB ${three}`,
  },
  {
    rule: "L_g within L_d", file: "times.c",
    from: ".l_g = 1500 * ms,", to: ".l_g = 6000 * ms,",
    run: "--faults part",
  },
  {
    rule: "L_m within L_d", file: "times.c",
    from: ".l_m = 800 * ms,", to: ".l_m = 5000 * ms,",
    unit: "times", why: "a gateway that starts waits for L_m too (G7): it takes three leases at their edges",
  },
  {
    rule: "L_d above L_g + L_m", file: "times.c",
    from: ".l_d = 2400 * ms,", to: ".l_d = 700 * ms,",
    run: "--faults iso",
  },
  {
    rule: "L_a below W", file: "times.c",
    from: ".l_a = 2900 * ms,", to: ".l_a = 20000 * ms,",
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "W above L_a", file: "times.c",
    from: ".w = 3050 * ms,", to: ".w = 300 * ms,",
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "R pause after a refusal", file: "emits.c",
    from: "q->hold = rc_gw_now(g) + pause;", to: "(void)pause;",
    run: `--faults full ${three} --tight`, cost: "refusals", times: 5,
  },
  {
    rule: "E an emit is given up", file: "emits.c",
    from: "now - e->since > g->config.times.e)", to: "now - e->since > 9 * g->config.times.e)",
    run: "--faults deadP --nodes 3b2g2p --quorum 2 --hasty",
  },
  {
    rule: "recent outlives E + W", file: "times.c",
    from: ".recent = 120000 * ms,", to: ".recent = 200 * ms,",
    run: `--faults flap ${three}`,
  },
  {
    rule: "a suspended gateway's leases are over", file: "serving.c",
    from: `void rc_gateway_suspended(struct rc_gateway *g)
{
    rc_gw_fence(g, 0);`,
    to: `void rc_gateway_suspended(struct rc_gateway *g)
{
    (void)g;`,
    run: "--faults sleep",
  },
  {
    rule: "a suspended broker's leases are over", file: "broker.c",
    from: `void rc_broker_suspended(struct rc_broker *b)
{
`,
    to: `void rc_broker_suspended(struct rc_broker *b)
{
    if (b)
        return;
`,
    run: `--faults sleepcut ${three}`,
  },
  {
    rule: "what was sent before the suspension says nothing after it", file: "broker.c",
    from: "if (s->contact > b->started && s->contact > *contact)",
    to: `(void)b;
    if (s->contact > *contact)`,
    run: `--faults sleepcut ${three}`,
  },

  // ---- 3. Gateway

  {
    rule: "G1 only fit and open brokers in the view", file: "view.c",
    from: "return b->s && (b->state == RC_FIT || b->state == RC_OPEN);", to: "return b->s;",
    run: "--faults mesh --nodes 3b3g2p --k 1 --max-delay 3000",
  },
  {
    rule: "G2 JOINs before SYNCED", file: "view.c",
    from: `    while ((room = rc_index_next(&g->rooms, &at)))
        rc_gw_room_join(g, room, b);
    (void)RC_HOLDS(&g->count.broken, b->s, RC_INV_SYNCED, rc_gw_rooms_joined(g, b));
    rc_gw_push(g, b, synced(g));`,
    to: `    rc_gw_push(g, b, synced(g));
    while ((room = rc_index_next(&g->rooms, &at)))
        rc_gw_room_join(g, room, b);`,
    run: "--faults slow,drainB --nodes 3b3g1p --k 1 --fine",
  },
  {
    rule: "G2 JOINs at all", file: "view.c",
    from: `    while ((room = rc_index_next(&g->rooms, &at)))
        rc_gw_room_join(g, room, b);`,
    to: "",
    run: `--faults crashB ${three}`,
  },
  {
    rule: "G2 SYNCED to each broker", file: "view.c",
    from: "if (g->brokers[i].s && g->brokers[i].version != g->version)",
    to: "if (g->brokers[i].s && !g->brokers[i].version)",
    run: `--faults crashB ${three}`,
  },
  {
    rule: "G2 LEAVE behind SYNCED", file: "view.c",
    from: `    struct rc_gw_room *room;
    size_t at = 0;
`,
    to: `    struct rc_gw_room *room;
    size_t at = 0;
    for (; (room = rc_index_next(&g->rooms, &at));)
        if (!(rc_placement_set(g->placement, room->slot, g->view, g->config.k) >> b->index & 1))
            rc_gw_room_leave(g, room, b);
    at = 0;
`,
    run: "--faults slow,crashB --nodes 3b3g1p --k 1 --fine",
  },
  {
    rule: "G2 LEAVE of what a view no longer places there", file: "view.c",
    from: "            rc_gw_room_leave(g, room, b);", to: "            (void)room;",
    run: "--faults crashB --nodes 3b3g2p --k 1",
  },
  {
    rule: "G3 the first member JOINs", file: "rooms.c",
    from: `            if (g->brokers[i].s)
                rc_gw_room_join(g, room, &g->brokers[i]);`,
    to: "            (void)i;",
    run: "--faults brk",
  },
  {
    rule: "G3 the last member LEAVEs", file: "rooms.c",
    from: "        rc_gw_room_leave(g, room, &g->brokers[i]);", to: "        (void)i;",
    run: "--faults brk",
  },
  {
    rule: "G4 settled: every broker acknowledged the view", file: "view.c",
    from: "if (b->version != g->version || b->s->acked < b->synced)", to: "if (b->version != g->version)",
    run: "--faults lateview --nodes 3b2g1p --k 1",
  },
  {
    rule: "G4 settled: a lost broker is waited for", file: "view.c",
    from: "} else if (b->lost != RC_NEVER && now - b->lost <= g->config.times.w) {", to: "} else if (now < 0) {",
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "G5 CONNECT waits for the JOINs' acks", file: "rooms.c",
    from: "room->joined[b->index] > b->s->acked)", to: "room->joined[b->index] > b->s->ordinal)",
    run: "--faults slow --nodes 3b3g1p --k 1 --fine",
  },
  {
    rule: "G5 CONNECT waits until settled", file: "rooms.c",
    from: "if (!rc_view_settled(g, now) || !rc_gw_majority(g, now))", to: "if (!rc_gw_majority(g, now))",
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "G5 CONNECT waits until serving", file: "rooms.c",
    from: "if (TAILQ_EMPTY(&g->pending) || g->state != RC_SERVING)", to: "if (TAILQ_EMPTY(&g->pending))",
    run: `--faults gstart ${three}`,
  },
  {
    rule: "G5 CONNECT waits for 10 s at most", file: "rooms.c",
    from: "now - wait->since > g->config.times.connect)",
    to: "now - wait->since > 1000 * g->config.times.connect)",
    run: "--faults lostB --nodes 3b2g",
  },
  {
    rule: "G6 the fence", file: "serving.c",
    from: "if (g->state == RC_SERVING && !rc_gw_majority(g, rc_gw_now(g)))", to: "if (0)",
    run: "--faults iso",
  },
  {
    rule: "G6 closes the sockets' state: queues", file: "serving.c",
    from: `    rc_emits_fini(g);
    rc_emits_init(g);
    rc_gw_rooms_fini(g);`,
    to: "    rc_gw_rooms_fini(g);",
    run: "--faults iso",
  },
  {
    rule: "G6 contact outlives the session", file: "gateway.c",
    from: "b->lost = rc_gw_now(g);",
    to: `b->lost = rc_gw_now(g);
    b->contact = RC_NEVER;`,
    run: "--faults brk --nodes 1b3g2p", cost: "fences", times: 10,
  },
  {
    rule: "G6 HELLO_NO fences", file: "serving.c",
    from: `if (known_inc >= g->inc)
        rc_gw_fence(g, known_inc);`,
    to: "(void)g, (void)known_inc;",
    run: `--faults setback ${three}`,
  },
  {
    rule: "G7 active after the views are acknowledged", file: "serving.c",
    from: "if (g->state == RC_STARTING && may_be_active(g, now))",
    to: `(void)may_be_active;
    if (g->state == RC_STARTING)`,
    run: "--faults crashG --nodes 3b3g1p --k 2 --max-delay 400",
  },
  {
    rule: "G7 a majority before serving", file: "serving.c",
    from: `if (!rc_gw_majority(g, now))
        g->majority_since = RC_NEVER;
    else if`,
    to: "if",
    unit: "serving", why: "who serves without one fences in the same pass (G6)",
  },
  {
    rule: "G7 L_m before serving", file: "serving.c",
    from: "now - g->majority_since >= g->config.times.l_m + g->config.times.tick)",
    to: "now >= g->majority_since)",
    run: "--faults gstart --nodes 3b2g --k 2",
  },
  {
    rule: "G7 only echoes of active batches count", file: "serving.c",
    from: "echo == RC_NEVER || echo <= g->active_at || ", to: "echo == RC_NEVER || ",
    unit: "serving", why: "it takes brokers that hear of a gateway a whole L_m late",
  },
  {
    rule: "G8 a stuck worker withholds the heartbeat", file: "gateway.c",
    from: "g->hushed = !alive;", to: "(void)alive;",
    run: "--faults stall --nodes 3b2g2p --k 2 --max-ack 4500",
  },

  // ---- 4. Broker

  {
    rule: "B1 what is known of a gateway outlives its session", file: "gateways.c",
    from: `if (!e->active)
        rc_bk_gateway_gone(b, e);`,
    to: "rc_bk_gateway_gone(b, e);",
    run: "--faults flap --nodes 1b3g2p --fine",
  },
  {
    rule: "B2 brokers list the living to each other", file: "live.c",
    from: `if (!e->listed)
            continue;`,
    to: `if (e)
            continue;`,
    run: `--faults pausecut ${three}`,
  },
  {
    rule: "B2 lists go out when they change", file: "broker.c",
    from: "if (list_changed(b, now))", to: "if (list_changed(b, now) && now < 0)",
    run: `--faults crashG ${three}`,
  },
  {
    rule: "B3 the union of lists", file: "live.c",
    from: "            add_live(f, p->list[j].id, p->list[j].inc);", to: "            (void)j;",
    run: "--faults gstart --nodes 3b2g --k 2",
  },
  {
    rule: "B3 known by a majority only", file: "live.c",
    from: "f->known = mature >=", to: "f->known = mature + 99 >=",
    run: `--faults mesh ${three}`,
  },
  {
    rule: "B3 a broker's word counts for L_m", file: "live.c",
    from: "within(f, now, p->contact, t->l_m)", to: "p->contact != RC_NEVER",
    run: "--faults gstartcut --nodes 3b2g --k 2",
  },
  {
    rule: "B3 per id the highest incarnation counts", file: "live.c",
    from: "if (inc > alive->inc)", to: "if (inc < alive->inc)",
    unit: "live", why: "the older one is struck (B3) or off the lists before it matters",
  },
  {
    rule: "B3 a newer HELLO proves the older incarnation dead", file: "live.c",
    from: "if (e && e->inc > f->live[i].inc)", to: "if (!e && !f->live[i].inc)",
    run: `--faults gstart ${three} --max-delay 2000`,
  },
  {
    rule: "B3 maturity", file: "live.c",
    from: "return now - b->started > b->config.times.l_d;", to: "return now >= b->started;",
    run: "--faults crashB --nodes 1b3g1p",
  },
  {
    rule: "B4 unfit without contact within L_a", file: "live.c",
    from: "if (!e || e->inc != f->live[i].inc || !within(f, now, e->contact, b->config.times.l_a)) {",
    to: "if (!e || e->inc != f->live[i].inc) {",
    run: `--faults cut ${three}`,
  },
  {
    rule: "B4 unfit without each live gateway", file: "live.c",
    from: "if (!e || e->inc != f->live[i].inc || !within(f, now, e->contact, b->config.times.l_a)) {",
    to: `if (!e || e->inc != f->live[i].inc)
            continue;
        if (!within(f, now, e->contact, b->config.times.l_a)) {`,
    run: "--faults gstart --nodes 3b2g --k 2",
  },
  {
    rule: "B4 fit only until each view has this broker", file: "live.c",
    from: `        else
            f->state = RC_FIT;
`,
    to: "",
    run: "--faults flap --nodes 1b3g2p",
  },
  {
    rule: "B4 the state is announced at once", file: "live.c",
    from: `e->s->due = true;
        b->world.kick(b->world.host, e->s);`,
    to: "(void)e;",
    run: `--faults drainB ${three} --max-delay 80`,
  },
  {
    rule: "B4 a draining broker says so", file: "live.c",
    from: "b->draining ? RC_DRAINING : ", to: "",
    unit: "live", why: "its emits are repeated elsewhere as soon as it is gone",
  },
  {
    rule: "B5 a new session: rooms are forgotten", file: "gateways.c",
    from: `    rc_bk_leave_all(b, e);
    view_drop(b, e);
    rc_bk_waits_refuse(b, e);`,
    to: `    view_drop(b, e);
    rc_bk_waits_refuse(b, e);`,
    run: `--faults cut ${three}`,
  },
  {
    rule: "B5 a new session: the view is forgotten", file: "gateways.c",
    from: `    rc_bk_leave_all(b, e);
    view_drop(b, e);
    rc_bk_waits_refuse(b, e);`,
    to: `    rc_bk_leave_all(b, e);
    rc_bk_waits_refuse(b, e);`,
    run: "--faults flap --nodes 1b3g2p",
  },
  {
    rule: "B5 a new session: what waits for it is refused", file: "gateways.c",
    from: `    view_drop(b, e);
    rc_bk_waits_refuse(b, e);
`,
    to: `    view_drop(b, e);
    rc_bk_waits_done(b, e);
`,
    run: `--faults brk ${three}`,
  },
  {
    rule: "B5 refused, not only forgotten", file: "accept.c",
    from: "        refuse(b, origin, slot, generation, RC_NOT_COVERED);",
    to: "        (void)origin, (void)slot, (void)generation;",
    run: "--faults flap --nodes 1b3g2p --fine",
  },
  {
    rule: "B5 a lower incarnation is not taken in", file: "gateways.c",
    from: "if (e && e->inc > peer->inc) {", to: "if (e && !peer->inc) {",
    run: `--faults setback ${three}`,
  },
  {
    rule: "B6 Live is known", file: "live.c",
    from: `    else
        f->state = RC_UNFIT;
    return f;`,
    to: `    else
        f->state = RC_OPEN;
    return f;`,
    run: "--faults part",
  },
  {
    rule: "B6 every view covers the slot", file: "accept.c",
    from: "if (!rc_bk_covers(f->view[i], op->emit.slot))", to: "if (i > 99)",
    run: "--faults crashB --nodes 3b3g2p --k 1",
  },
  {
    rule: "B6 all members are targets", file: "accept.c",
    from: "    struct rc_bk_wait *wait = &w->wait[w->n++];",
    to: `    if (!e->s)
        return;
    struct rc_bk_wait *wait = &w->wait[w->n++];`,
    run: `--faults cut ${three}`,
  },
  {
    rule: "B6 CONFIRM after every DELIVER is acknowledged", file: "accept.c",
    from: `    if (w->left)
        return;`,
    to: "",
    run: "--faults brk",
  },
  {
    rule: "B6 CONFIRM after the record is stored", file: "accept.c",
    from: `        w->told_delivered = true;
        return;`,
    to: "        w->told_delivered = true;",
    run: "--faults brk",
  },
  {
    rule: "B7 what is refused stays refused for its generation", file: "accept.c",
    from: `if (is_refused(origin, op->emit.slot, op->emit.generation))
        return;
    const`,
    to: "const",
    run: "--faults flap --nodes 1b3g2p --fine",
  },
  {
    rule: "B8 the gone are dropped", file: "gateways.c",
    from: `        if (!e->s && !e->live)
            rc_bk_gateway_gone(b, e);`,
    to: "        (void)e;",
    run: "--faults crashG",
  },
  {
    rule: "B8 not before it is off every list", file: "gateways.c",
    from: "if (!e->s && !e->live)", to: "if (!e->s)",
    run: `--faults flap ${three}`,
  },
  {
    rule: "B8 with a known Live only", file: "gateways.c",
    from: `if (!f->known)
        return;`,
    to: "",
    unit: "gateways", why: "such a broker is unfit: the origins are elsewhere before it takes anybody for gone",
  },
  {
    rule: "B8 BYE", file: "broker.c",
    from: "if (op->kind == RC_OP_BYE) {",
    to: `if (op->kind == RC_OP_BYE)
            continue;
        if (op->kind == RC_OP_COUNT && !op->room.room) {`,
    unit: "gateways", why: "a drained gateway is in no room: nothing waits for it",
  },
  {
    rule: "B8 the gone are struck from waits", file: "gateways.c",
    from: `    rc_bk_waits_done(b, e);
    bool`,
    to: `    rc_bk_waits_refuse(b, e);
    bool`,
    run: `--faults crashG ${three}`, cost: "resends", times: 10,
  },
  {
    rule: "B8 a gone incarnation gets HELLO_NO", file: "gateways.c",
    from: "if (gone && gone->inc >= peer->inc) {", to: "if (gone && !peer->inc) {",
    run: `--faults drainG ${three} --max-ack 1500`,
  },
  {
    rule: "B9 emits of an ended session are forgotten", file: "gateways.c",
    from: `    rc_bk_forget_emits(b, e);
    free(e->slot);`,
    to: "    free(e->slot);",
    run: `--faults flap ${three}`,
  },

  // ---- 5. The emit, from the origin's side

  {
    rule: "5 a new target gets the whole queue", file: "emits.c",
    from: `    q->next = TAILQ_FIRST(&q->emits);
    if (target)`,
    to: "    if (target)",
    run: `--faults crashB ${three}`,
  },
  {
    rule: "5 from the first", file: "emits.c",
    from: `    q->next = TAILQ_FIRST(&q->emits);
    if (target)`,
    to: `    q->next = TAILQ_LAST(&q->emits, rc_gw_emit_list);
    if (target)`,
    run: `--faults crashB ${three}`,
  },
  {
    rule: "5 one target", file: "emits.c",
    from: "        rc_gw_push(g, q->target, emit_op(q->next));",
    to: `        rc_gw_push(g, q->target, emit_op(q->next));
        for (uint32_t i = 0; i < g->n; i++)
            if (&g->brokers[i] != q->target && g->brokers[i].state == RC_OPEN)
                rc_gw_push(g, &g->brokers[i], emit_op(q->next));`,
    run: "--faults crashB,crashB --nodes 3b3g1p --k 2 --fine",
  },
  {
    rule: "5 the generation grows with each change", file: "emits.c",
    from: `    q->generation++;
`,
    to: "",
    run: `--faults flap ${three}`,
  },
  {
    rule: "5 a target that is open", file: "emits.c",
    from: "if (g->brokers[first[i]].state == RC_OPEN)", to: "",
    run: `--faults lateview ${three}`, cost: "refusals", times: 4,
  },
  {
    rule: "5 a target that is no longer the right one is left", file: "emits.c",
    from: "if (!q->target && now < q->hold)", to: "if (q->target || now < q->hold)",
    run: "--faults drainB --nodes 3b3g2p --k 1", cost: "refusals", times: 3,
  },
  {
    rule: "5 an old refusal is ignored", file: "emits.c",
    from: "if (q->target == b && q->generation == op->reply.number)", to: "if (q->target)",
    unit: "emits", why: "it costs another turn of the queue",
  },
  {
    rule: "5 a refusal is obeyed", file: "emits.c",
    from: "            refused(g, q, op->reply.reason);", to: "            g->count.refusals++;",
    run: "--faults crashB --nodes 3b3g2p --k 1",
  },
  {
    rule: "5 CONFIRM from any session", file: "emits.c",
    from: `    if (!e)
        return;`,
    to: `    if (!e || q->target != b)
        return;`,
    unit: "emits", why: "it costs another turn of the queue",
  },
  {
    rule: "5 acknowledged when all copies are confirmed", file: "emits.c",
    from: "outcome != RC_OUTCOME_OK || e->message->left == 1)", to: "1)",
    run: "--faults brk",
  },
  {
    rule: "5 DELIVERED no longer counts for the socket", file: "emits.c",
    from: `        socket_credit(g, e);
        e->delivered = true;`,
    to: "        e->delivered = true;",
    run: "--faults slowP",
  },
  {
    rule: "5 without ack wish the client is closed", file: "emits.c",
    from: `    if (silent)
`,
    to: `    if (silent && !silent->id)
`,
    run: `--faults ring ${three} --hasty`,
  },
  {
    rule: "5 delivered and not stored closes nobody", file: "emits.c",
    from: `    if (e->delivered) {
        g->count.not_stored++;`,
    to: `    if (e->delivered && !e->since) {
        g->count.not_stored++;`,
    unit: "emits", why: "only the gateway knows what it was told",
  },

  // ---- 6. Receiving gateway

  {
    rule: "D1 a number at or below the highest is dropped", file: "receiver.c",
    from: "if (msg->seq <= e->seq)", to: "if (!msg->seq)",
    run: `--faults flap ${three}`,
  },
  {
    rule: "D1 per room", file: "receiver.c",
    from: "    return len + msg->room->len;", to: "    return len;",
    run: "--faults brk",
  },
  {
    rule: "D1 per incarnation", file: "receiver.c",
    from: "    memcpy(key + len, &msg->origin_inc, sizeof msg->origin_inc);",
    to: "    memset(key + len, 0, sizeof msg->origin_inc);",
    run: `--faults crashG ${three}`,
  },
  {
    rule: "D1 across sessions", file: "gateway.c",
    from: `    rc_emits_lost(g, b);
`,
    to: `    rc_emits_lost(g, b);
    rc_receiver_forget(&g->receiver, rc_gw_now(g) + 1);
`,
    run: `--faults flap ${three}`,
  },
  {
    rule: "D2 acknowledged after the workers", file: "gateway.c",
    from: `    if (b->handed == batch->seq)
        g->events.barrier(g->world.host, s->id, batch->seq);
    else if (b->processed >= b->handed)
        rc_session_done(s, batch->seq);`,
    to: "    rc_session_done(s, batch->seq);",
    run: `--faults flap ${three}`,
  },
  {
    rule: "D2 later batches wait for the workers too", file: "gateway.c",
    from: "else if (b->processed >= b->handed)", to: "else",
    run: `--faults flap ${three}`,
  },
  {
    rule: "D3 the second copy excepts the first room", file: "emits.c",
    from: ".except = i ? emit->room[0] : NULL,", to: "",
    run: "--faults brk",
  },
  {
    rule: "D3 the first copy carries the record alone", file: "emits.c",
    from: "e->row = i ? NULL : rc_buf_hold(emit->row);", to: "e->row = rc_buf_hold(emit->row);",
    run: "--faults brk",
  },

  // ---- 7. Storing

  {
    rule: "T1 the key is fixed once", file: "emits.c",
    from: "op->emit.fecha = e->fecha;",
    to: "op->emit.fecha = e->queue->generation > 1 ? e->fecha + (int64_t)e->queue->generation : e->fecha;",
    run: "--faults flap",
  },
  {
    rule: "T1 fecha never goes back", file: "emits.c",
    from: "if (emit->fecha > g->fecha)", to: "if (emit->fecha)",
    run: "--faults brk",
  },
  {
    rule: "T2 a gap is asked for", file: "persister.c",
    from: `        p->count.gaps++;
        ask(p, src);
        return;`,
    to: "        src->next = op->record.number;",
    run: "--faults brk",
  },
  {
    rule: "T2 what the heartbeat announces is asked for", file: "persister.c",
    from: `    if (src->missing >= src->next)
        ask(p, src);
`,
    to: "",
    run: "--faults brk",
  },
  {
    rule: "T2 STORED after the commit", file: "persister.c",
    from: `    src->next++;
    keep(p, src, op);`,
    to: `    src->committed = src->next++;
    tell_stored(p, src);
    keep(p, src, op);`,
    run: "--faults crashP",
  },
  {
    rule: "T2 numbers are of a broker's incarnation", file: "persister.c",
    from: "if (src->inc != broker->inc) {", to: "if (!src->inc) {",
    run: "--faults crashB --nodes 3b2g2p",
  },
  {
    rule: "T4 the logs of others are read", file: "follow.c",
    from: "if (p->s && !p->asked && !p->page.n && now >= p->again)", to: "if (0)",
    run: "--faults gapP --nodes 3p --quorum 1",
  },
  {
    rule: "T4 a cursor moves with the rows that it passes", file: "follow.c",
    from: "whole ? p->page.upto : p->page.row[p->given - 1].number", to: "p->page.last",
    run: "--faults wipeP --nodes 2p",
  },
  {
    rule: "T3 kept until every persister has it", file: "topic.c",
    from: "stored_by(b, b->persisters);", to: "stored_by(b, b->config.quorum);",
    run: "--faults deadP",
  },
  {
    rule: "T3 below the quorum never dropped", file: "topic.c",
    from: "t->first <= t->last && t->first <= t->stored)", to: "t->first <= t->last)",
    run: "--faults deadP --nodes 1b4g2p --quorum 2 --tight",
  },
  {
    rule: "T3 HOLE", file: "topic.c",
    from: `        rc_bk_push(b, p->s, hole);
`,
    to: `        rc_op_free(hole);
`,
    run: "--faults crashP --nodes 3b2g3p --quorum 1 --tight",
  },

  // ---- 8. Changing the brokers

  {
    rule: "C2 at a gateway an added broker votes once it was heard", file: "gateway_roll.c",
    from: ".contact = RC_NEVER};", to: ".contact = RC_NEVER, .voter = true};",
    run: "--faults addB --nodes 1b2g --no-fence",
  },
  {
    rule: "C2 at a broker an added broker votes once it was heard", file: "live.c",
    from: "f->known = mature >= voters / 2 + 1;",
    to: `voters = 1;
    TAILQ_FOREACH (p, &b->peers, link)
        voters++;
    f->known = mature >= voters / 2 + 1;`,
    run: "--faults addB --nodes 1b2g --no-fence --max-delay 1600",
  },
];
