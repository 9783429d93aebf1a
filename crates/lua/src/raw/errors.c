/*
 * The frames that a Lua error may leave.
 *
 * Lua raises an error by longjmp, from the function that raises it to the innermost protected call. A frame of Rust in between
 * would be left without its destructors, which Rust forbids. So Rust never raises: a function in Rust returns a mark, and its
 * caller, which is here, raises what lies on top of the stack. For the same reason the few functions are here that call back into
 * Lua unprotected, or need what does. None of them keeps anything that would have to be freed.
 *
 * The headers of Lua are not at hand, as another crate builds it; what is used of them is declared below.
 */

#include <stddef.h>

typedef struct lua_State lua_State;
typedef int (*lua_CFunction)(lua_State *L);

#define LUA_TNIL 0
#define LUA_TTABLE 5
#define LUA_MULTRET (-1)

/* As much can be moved or sorted in one go. */
#define MOVED_MAX 65536
#define SORTED_MAX 4096

#define GLOBALS (-10002)
#define UPVALUE(i) (GLOBALS - (i))

extern int lua_error(lua_State *L);
extern int lua_type(lua_State *L, int index);
extern int lua_checkstack(lua_State *L, int slots);
extern int lua_gettop(lua_State *L);
extern void lua_settop(lua_State *L, int index);
extern void lua_insert(lua_State *L, int index);
extern void lua_replace(lua_State *L, int index);
extern int lua_toboolean(lua_State *L, int index);
extern int lua_isnumber(lua_State *L, int index);
extern ptrdiff_t lua_tointeger(lua_State *L, int index);
extern void *lua_touserdata(lua_State *L, int index);
extern lua_CFunction lua_tocfunction(lua_State *L, int index);
extern int lua_getmetatable(lua_State *L, int index);
extern size_t lua_objlen(lua_State *L, int index);
extern void lua_gettable(lua_State *L, int index);
extern void lua_rawget(lua_State *L, int index);
extern void lua_call(lua_State *L, int arguments, int results);
extern int lua_pcall(lua_State *L, int arguments, int results, int handler);
extern int lua_next(lua_State *L, int index);
extern int lua_lessthan(lua_State *L, int left, int right);
extern void lua_pushnil(lua_State *L);
extern void lua_pushvalue(lua_State *L, int index);
extern void lua_pushboolean(lua_State *L, int value);
extern void lua_pushstring(lua_State *L, const char *text);
extern void lua_pushcclosure(lua_State *L, lua_CFunction function, int upvalues);
extern void lua_pushlightuserdata(lua_State *L, void *pointer);
extern void luaL_checkany(lua_State *L, int index);
extern void luaL_checktype(lua_State *L, int index, int type);

/* In Rust. Each returns a negative number if the value on top of the stack is to be raised. */
extern int russet_lua_enter(lua_State *L, void *function);
extern int russet_lua_interrupt(lua_State *L);
extern int russet_lua_caught(lua_State *L, int unwrap);

/* The key under which the metatable of a read-only view has the table that is seen through it. */
char russet_lua_viewed;

/* Calls the function in Rust that is the first upvalue. */
int russet_lua_trampoline(lua_State *L) {
    int results = russet_lua_enter(L, lua_touserdata(L, UPVALUE(1)));
    return results >= 0 ? results : lua_error(L);
}

/* Lua calls it every so many instructions. */
void russet_lua_hook(lua_State *L, void *debug) {
    (void)debug;
    if (russet_lua_interrupt(L) < 0) lua_error(L);
}

/* Pushes the table that is seen through the view at `index`; pushes nothing and returns 0 if that is no view. */
static int push_viewed(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return 0;
    lua_pushlightuserdata(L, &russet_lua_viewed);
    lua_rawget(L, -2);
    if (lua_type(L, -1) != LUA_TTABLE) {
        lua_settop(L, -3);
        return 0;
    }
    lua_replace(L, -2);
    return 1;
}

/* For functions that only read their first argument: calls the upvalue with the table behind the view. */
int russet_lua_reads(lua_State *L) {
    if (push_viewed(L, 1)) lua_replace(L, 1);
    return lua_tocfunction(L, UPVALUE(1))(L);
}

static void refuse_view(lua_State *L) {
    if (push_viewed(L, 1)) {
        lua_pushstring(L, "Attempt to modify a readonly table");
        lua_error(L);
    }
}

/* For functions that change their first argument: calls the upvalue, unless that is a view. */
int russet_lua_writes(lua_State *L) {
    refuse_view(L);
    return lua_tocfunction(L, UPVALUE(1))(L);
}

/* insert(table, [place,] value): calls Lua's own, the first upvalue. It cannot be interrupted, so if it would move very much, the
 * function in Rust does that is the second. */
int russet_lua_insert(lua_State *L) {
    refuse_view(L);
    if (lua_gettop(L) == 3 && lua_type(L, 1) == LUA_TTABLE && lua_isnumber(L, 2)) {
        long long place = (int)lua_tointeger(L, 2);
        if ((long long)lua_objlen(L, 1) - place > MOVED_MAX) {
            int results = russet_lua_enter(L, lua_touserdata(L, UPVALUE(2)));
            return results >= 0 ? results : lua_error(L);
        }
    }
    return lua_tocfunction(L, UPVALUE(1))(L);
}

/* next(table [, key]): its own function rather than `russet_lua_reads` of Lua's, because it is called for each element. */
int russet_lua_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    if (push_viewed(L, 1)) lua_replace(L, 1);
    lua_settop(L, 2);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

/* pairs(table), whose iterator is the upvalue. The view is given back, not what is behind it: that must not get about. */
int russet_lua_pairs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, UPVALUE(1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* pcall(function, ...): with no function at all, what is called is a boolean. An error that is a table with the field `err` is
 * replaced by that field; if it has none, nil comes after it. */
int russet_lua_pcall(lua_State *L) {
    int failed;
    if (lua_gettop(L) == 0) lua_pushboolean(L, 1);
    failed = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (failed && russet_lua_caught(L, 1) < 0) return lua_error(L);
    lua_checkstack(L, 1);
    lua_pushboolean(L, !failed);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* The handler of an xpcall: calls that of the script, which is the upvalue, unless the error is one that nothing may catch. Such a one
 * comes from the hook, and where it is handled there is no hook, so that a handler that goes on for ever could not be stopped. */
static int handle(lua_State *L) {
    if (russet_lua_caught(L, 0) < 0) return 1;
    lua_pushvalue(L, UPVALUE(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* xpcall(function, handler) */
int russet_lua_xpcall(lua_State *L) {
    int failed;
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_insert(L, 1);
    failed = lua_pcall(L, 0, LUA_MULTRET, 1);
    if (failed && russet_lua_caught(L, 0) < 0) return lua_error(L);
    lua_checkstack(L, 1);
    lua_pushboolean(L, !failed);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* `a < b` as a function: calls the function in Rust that is the upvalue, and compares. */
int russet_lua_less(lua_State *L) {
    if (russet_lua_enter(L, lua_touserdata(L, UPVALUE(1))) < 0) return lua_error(L);
    lua_pushboolean(L, lua_lessthan(L, 1, 2));
    return 1;
}

/* sort(table [, less]): calls Lua's own, the first upvalue. It cannot be interrupted, so if there is much to be sorted and nobody else
 * compares, the second upvalue does. */
int russet_lua_sort(lua_State *L) {
    if (lua_type(L, 1) == LUA_TTABLE && lua_objlen(L, 1) > SORTED_MAX && lua_type(L, 2) <= LUA_TNIL) {
        lua_settop(L, 1);
        lua_pushvalue(L, UPVALUE(2));
    }
    return lua_tocfunction(L, UPVALUE(1))(L);
}

/* table[key], as a script would have it. */
int russet_lua_index(lua_State *L) {
    lua_gettable(L, 1);
    return 1;
}
