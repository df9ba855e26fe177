/*
 * roomcast-persister --sql: the process that copies a persister's commit log into table mensajes of a PostgreSQL database.
 *
 *   persister ---- pages of its log ----> follow (cluster/follow.h) ----> job ----> scribe thread ----> PostgreSQL
 *                                            ^                                          |
 *                                            +------- cursors, when a connection opens -+
 *
 * It has sessions with persisters only, as role FOLLOWER (protocol.md T4), keeps no file, and nobody waits for it. It follows
 * one persister: the one whose cursor moved last, so that nothing is read twice; when that one has no session for a while,
 * the first of sql.persisters that has one. What it knows beyond the tables is worth nothing: each connection begins with
 * the cursors that the database has.
 */
#ifndef RC_SQL_PROCESS_H
#define RC_SQL_PROCESS_H

#include "broker/persister/options.h"
#include "exit.h"

/* Runs until a signal ends it; returns the exit code. */
enum rc_exit rc_sql_run(struct rc_persister_options *options);

#endif
