/*
 * repair.h - mending what `system check` finds, without losing anything that can be had again.
 *
 * A layer that is missing, of an earlier boot or damaged is made again from its kept blob or another form; an image link is found again
 * by its manifest; names of nothing, leftovers, and what nobody has go away. Only with force goes what cannot be mended: images whose
 * documents or layers are lost, and containers without a record. Others may work meanwhile: what they are about is locked or marked.
 */
#ifndef ENGINE_REPAIR_H
#define ENGINE_REPAIR_H

#include "store/check.h"

/* Mends what found (of a check before) says. What is left is for another check to say. Fails only if nothing could be tried. */
int store_repair(const struct home *h, const struct check_report *found, bool force, struct err *e);

/* Adds what is wrong with the volumes: records, files, and those that containers use and that are gone. Only told: what lies in a volume cannot be made again. */
void volumes_check(const struct home *h, struct check_report *r);

#endif
