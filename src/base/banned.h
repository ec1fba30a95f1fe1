/*
 * banned.h - functions that this project does not use. The compiler refuses them from here on.
 *
 * Instead of strcpy, strcat, strncpy, sprintf: struct str (str.h). Instead of strtok: str_split (strv.h). Instead of atoi,
 * atol: parse.h. Instead of system, popen: proc_spawn (proc.h). Instead of tmpnam, mktemp: rand_hex (rand.h) and
 * a name below the store's tmp/.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll
#pragma GCC poison system popen tmpnam tempnam mktemp gets

#endif
