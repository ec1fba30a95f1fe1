/*
 * ids_files.h - the answerer's work on files: chown(2) and its kin, and mknod(2) of devices.
 */
#ifndef MONITOR_IDS_FILES_H
#define MONITOR_IDS_FILES_H

#include "runtime/creds.h"
#include "sys/notify.h"

/* What a call about a file needs to know. */
struct ids_file_call {
	int listener;
	const struct notify_call *call;
	enum creds_op op;
	bool narrow;	  /* ids of 16 bits */
	bool privileged;  /* holds CAP_CHOWN or CAP_MKNOD */
	struct creds who; /* the caller */
};

/* To be called once by the answerer, before any other: from here on its directory is /proc (a descriptor of it is given), and its
 * root that of the last caller. */
void ids_files_init(int proc);

/* Does the call. 0 or -errno to be answered; IDS_PASS: the kernel shall do it. */
enum { IDS_PASS = 1 };
int ids_files_do(const struct ids_file_call *f);

#endif
