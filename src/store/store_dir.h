/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory: its files, the lock that keeps a second process out, and the synced renames by which files come
 * and go. Private to this folder; one thread at a time. Format: docs/store-format.md. */
#pragma once

#include "store/store.h"

#define STORE_DIR_DB "cloudmap.db"
#define STORE_DIR_LOG "cloudmap.db-wal"
#define STORE_DIR_INDEX "cloudmap.db-shm"
#define STORE_DIR_JOURNAL "cloudmap.db-journal" /* never made by us: another program was here */
#define STORE_DIR_NEW "cloudmap.db-new"         /* a store that is being made or restored */
#define STORE_DIR_ACK "acknowledged"
#define STORE_DIR_LOCK "lock"

#define STORE_DIR_PATH_MAX 400 /* SQLite takes paths up to 512 bytes, file name included */
#define STORE_DIR_FILE_MAX (STORE_DIR_PATH_MAX + 100)

struct store_dir {
    char path[STORE_DIR_PATH_MAX]; /* absolute, links resolved */
    int fd;
    int lock_fd; /* -1: not locked */
};

enum store_dir_state {
    STORE_DIR_EMPTY,      /* no store, nor a part of one */
    STORE_DIR_PRESENT,    /* there is a database */
    STORE_DIR_INCOMPLETE, /* a log or acknowledged commits without their database */
};

/* Opens the directory, made with mode 0700 when `create`. 0, STORE_MISSING, STORE_DAMAGED (it is no directory),
 * STORE_UNWRITABLE or -errno, with the message. */
int store_dir_open(const char *path, bool create, struct store_dir *ret_dir, struct store_message *ret_message);

/* Takes the exclusive lock, held until store_dir_close, and leaves our process id in the file.
 * 0, STORE_BUSY, STORE_UNWRITABLE or -errno, with the message. */
int store_dir_lock(struct store_dir *dir, struct store_message *ret_message);

/* Accepts a directory that is not open: fd and lock_fd -1. */
void store_dir_close(const struct store_dir *dir);

/* What is there now. */
enum store_dir_state store_dir_state(const struct store_dir *dir);
/* Whether there is a file of that name; one that cannot be looked at is there. */
bool store_dir_has(const struct store_dir *dir, const char *name);
/* The path of a file of the directory. */
void store_dir_file(const struct store_dir *dir, const char *name, char ret_path[STORE_DIR_FILE_MAX]);

/* Renames within the directory and flushes that. 0 or -errno. */
int store_dir_rename(const struct store_dir *dir, const char *from, const char *to);

/* Removes what an interrupted creation or restore left. */
void store_dir_remove_new(const struct store_dir *dir);
