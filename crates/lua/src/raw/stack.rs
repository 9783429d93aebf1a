//! The stack through which functions in Rust see values of Lua: a safe view of it.
//!
//! A slot has a number from 1 to [`Stack::top`]; the arguments of a function come first. The view keeps three promises
//! to Lua, with assertions where the caller could break them:
//!
//! * No slot is named that is not there, and nothing is pushed that there is no room for ([`Stack::reserve`]).
//! * Nothing is called that can raise an error. Of the functions of Lua, those are used that raise none but for want of
//!   memory, and inside a function in Rust memory is not refused. Where a script is called, the call is protected.
//! * What is borrowed stays: [`Stack::with_bytes`] and the like fix the slots below them for as long as they run.
//!
//! Tables are read and written without metamethods.

use super::context::Context;
use super::raise::Raise;
use crate::engine::handle_error;
use crate::library::cjson::Options;
use mlua_sys::{self as ffi, lua_State};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::slice;

/// A function that scripts can call: its arguments are on the stack; the answer is how many values on top are its
/// results.
pub(crate) type Function = fn(&mut Stack<'_>) -> Result<i32, Raise>;

/// What a table may hold, here: a bound below that at which Lua raises an error.
pub(crate) const ELEMENTS_MAX: usize = 1 << 25;

/// Room that Lua promises to each function.
const ROOM: c_int = ffi::LUA_MINSTACK;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    None,
    Nil,
    Boolean,
    LightUserdata,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
}

impl Kind {
    fn of(code: c_int) -> Kind {
        match code {
            ffi::LUA_TNIL => Kind::Nil,
            ffi::LUA_TBOOLEAN => Kind::Boolean,
            ffi::LUA_TLIGHTUSERDATA => Kind::LightUserdata,
            ffi::LUA_TNUMBER => Kind::Number,
            ffi::LUA_TSTRING => Kind::String,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            ffi::LUA_TUSERDATA => Kind::Userdata,
            ffi::LUA_TTHREAD => Kind::Thread,
            _ => Kind::None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::None => "no value",
            Kind::Nil => "nil",
            Kind::Boolean => "boolean",
            Kind::LightUserdata | Kind::Userdata => "userdata",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Table => "table",
            Kind::Function => "function",
            Kind::Thread => "thread",
        }
    }
}

pub(crate) struct Stack<'a> {
    pub(super) state: *mut lua_State,
    pub(crate) context: &'a Context,
    top: c_int,
    /// Slots that may still be pushed to.
    room: c_int,
    /// Slots up to here are borrowed: they may not be removed or changed.
    floor: c_int,
}

impl<'a> Stack<'a> {
    /// # Safety
    ///
    /// The state lives and belongs to the context, whose memory is *inside* (see `memory.rs`); nobody else uses its
    /// stack as long as this does; there is the room that Lua promises to each function.
    pub(super) unsafe fn new(state: *mut lua_State, context: &'a Context) -> Stack<'a> {
        // SAFETY: the state lives.
        let top = unsafe { ffi::lua_gettop(state) };
        Stack { state, context, top, room: ROOM, floor: 0 }
    }

    pub(crate) fn top(&self) -> i32 {
        self.top
    }

    /// Makes sure that `slots` can be pushed.
    pub(crate) fn reserve(&mut self, slots: i32) -> Result<(), Raise> {
        if self.room >= slots {
            return Ok(());
        }
        // SAFETY: raises for want of memory only.
        if unsafe { ffi::lua_checkstack(self.state, slots) } == 0 {
            return Err(Raise::at("stack overflow"));
        }
        self.room = slots;
        self.check_memory()
    }

    pub(crate) fn check_memory(&self) -> Result<(), Raise> {
        if self.context.memory.is_exhausted() { Err(Raise::Memory) } else { Ok(()) }
    }

    /// Counts work of about 100 ns times `units` that is done outside of Lua.
    pub(crate) fn work(&self, units: u32) -> Result<(), Raise> {
        if self.context.work(units) { Ok(()) } else { Err(Raise::Killed) }
    }

    fn slot(&self, index: i32) -> c_int {
        assert!(index >= 1 && index <= self.top, "slot {index} of {}", self.top);
        index
    }

    fn table(&self, index: i32) -> c_int {
        assert!(self.kind(index) == Kind::Table, "slot {index} holds no table");
        index
    }

    // What is in a slot.

    pub(crate) fn kind(&self, index: i32) -> Kind {
        if index > self.top {
            return Kind::None;
        }
        // SAFETY: the slot is there.
        Kind::of(unsafe { ffi::lua_type(self.state, self.slot(index)) })
    }

    /// Whether a value counts as true in a condition.
    pub(crate) fn truth(&self, index: i32) -> bool {
        // SAFETY: the slot is there.
        index <= self.top && unsafe { ffi::lua_toboolean(self.state, self.slot(index)) != 0 }
    }

    /// A number, or text that reads as one.
    pub(crate) fn number(&self, index: i32) -> Option<f64> {
        if index > self.top {
            return None;
        }
        // SAFETY: the slot is there; reading a number from text changes nothing.
        unsafe {
            let number = ffi::lua_tonumber(self.state, self.slot(index));
            (number != 0.0 || ffi::lua_isnumber(self.state, index) != 0).then_some(number)
        }
    }

    /// The bytes of a string; `None` for anything else, be it a number.
    pub(crate) fn bytes(&self, index: i32) -> Option<&[u8]> {
        if self.kind(index) != Kind::String {
            return None;
        }
        // SAFETY: the slot holds a string, which stays where it is for as long as the slot does, and so for as long as
        // `self` is borrowed.
        Some(unsafe { self.string_bytes(index) })
    }

    /// The bytes of a string, or of a number as Lua prints it, which becomes a string for that; nothing for anything
    /// else.
    pub(crate) fn text(&mut self, index: i32) -> &[u8] {
        if self.kind(index) == Kind::Number {
            assert!(index > self.floor, "slot {index} is borrowed");
            // SAFETY: the slot holds a number, which nobody has borrowed; this raises for want of memory only.
            unsafe { ffi::lua_tolstring(self.state, index, null_mut()) };
        }
        self.bytes(index).unwrap_or_default()
    }

    /// Lends the first `count` slots as words, numbers among them as Redis writes them, while `body` uses the stack
    /// above. False, and nothing is called, if there is one that is neither string nor number.
    pub(crate) fn with_words<R>(
        &mut self,
        count: i32,
        body: impl FnOnce(&mut Stack<'a>, &[&[u8]]) -> Result<R, Raise>,
    ) -> Option<Result<R, Raise>> {
        let mut numbers = self.context.library.buffer.take();
        numbers.clear();
        let mut ends: SmallVec<[usize; 8]> = SmallVec::new();
        for index in 1..=count {
            match self.kind(index) {
                Kind::String => {}
                Kind::Number => {
                    write_number(&mut numbers, self.number(index).unwrap_or_default());
                    ends.push(numbers.len());
                }
                _ => {
                    self.context.library.buffer.set(numbers);
                    return None;
                }
            }
        }
        let mut words: SmallVec<[&[u8]; 16]> = SmallVec::with_capacity(count as usize);
        let (mut start, mut ends) = (0, ends.into_iter());
        for index in 1..=count {
            words.push(match self.kind(index) {
                // SAFETY: the slot holds a string, and below the floor nothing is removed or changed.
                Kind::String => unsafe { self.string_bytes(index) },
                _ => {
                    let end = ends.next().unwrap_or(start);
                    &numbers[std::mem::replace(&mut start, end)..end]
                }
            });
        }
        let result = self.above_floor(|stack| body(stack, &words));
        drop(words);
        self.context.library.buffer.set(numbers);
        Some(result)
    }

    /// # Safety
    ///
    /// The slot holds a string, and goes on to for as long as the answer is used.
    unsafe fn string_bytes<'b>(&self, index: i32) -> &'b [u8] {
        let mut length = 0;
        // SAFETY: for a string this is a pointer to its bytes; as the caller promises, they stay.
        unsafe {
            let start = ffi::lua_tolstring(self.state, index, &mut length);
            slice::from_raw_parts(start.cast(), length)
        }
    }

    /// Lends the bytes of the string in a slot while `body` uses the stack above the present top.
    pub(crate) fn with_bytes<R>(
        &mut self,
        index: i32,
        body: impl FnOnce(&mut Stack<'a>, &[u8]) -> Result<R, Raise>,
    ) -> Result<R, Raise> {
        assert!(self.kind(index) == Kind::String, "slot {index} holds no string");
        // SAFETY: the slot holds a string, and below the floor nothing is removed or changed.
        let bytes = unsafe { self.string_bytes(index) };
        self.above_floor(|stack| body(stack, bytes))
    }

    /// Runs `body` with all present slots borrowed.
    pub(crate) fn above_floor<R>(&mut self, body: impl FnOnce(&mut Stack<'a>) -> R) -> R {
        let before = std::mem::replace(&mut self.floor, self.top);
        let result = body(self);
        self.floor = before;
        result
    }

    /// The length of a table as `#` has it, or of a string.
    pub(crate) fn length(&self, index: i32) -> usize {
        debug_assert!(matches!(self.kind(index), Kind::Table | Kind::String));
        // SAFETY: the slot is there; of a table or string, this changes nothing.
        unsafe { ffi::lua_objlen(self.state, self.slot(index)) }
    }

    /// What tells objects (tables, functions, threads) apart.
    pub(crate) fn identity(&self, index: i32) -> usize {
        // SAFETY: the slot is there.
        unsafe { ffi::lua_topointer(self.state, self.slot(index)) as usize }
    }

    pub(crate) fn is_null(&self, index: i32) -> bool {
        // SAFETY: the slot is there.
        self.kind(index) == Kind::LightUserdata && unsafe { ffi::lua_touserdata(self.state, index) }.is_null()
    }

    // Pushing.

    /// Pushes one value by `push`, which can count on the room for it.
    pub(super) fn push_with(&mut self, push: impl FnOnce(*mut lua_State)) {
        assert!(self.room > 0, "no room was reserved");
        push(self.state);
        self.top += 1;
        self.room -= 1;
    }

    /// Notes that a call has popped values.
    pub(super) fn popped(&mut self, slots: c_int) {
        self.top -= slots;
        self.room += slots;
    }

    pub(crate) fn push_nil(&mut self) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushnil(state) });
    }

    pub(crate) fn push_boolean(&mut self, value: bool) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushboolean(state, c_int::from(value)) });
    }

    pub(crate) fn push_number(&mut self, value: f64) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushnumber(state, value) });
    }

    /// What stands for null in documents: an address of nothing.
    pub(crate) fn push_null(&mut self) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushlightuserdata(state, null_mut()) });
    }

    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Raise> {
        if self.context.memory.lacks(bytes.len()) {
            return Err(Raise::Memory);
        }
        self.push_bytes_anyway(bytes);
        Ok(())
    }

    /// For the texts of errors, which are short and may go beyond the limit.
    pub(super) fn push_bytes_anyway(&mut self, bytes: &[u8]) {
        // SAFETY: there is room; memory is not refused inside.
        self.push_with(|state| unsafe { ffi::lua_pushlstring_(state, bytes.as_ptr().cast(), bytes.len()) });
    }

    /// A copy of the value in a slot.
    pub(crate) fn push_value(&mut self, index: i32) {
        let index = self.slot(index);
        // SAFETY: the slot is there, and room.
        self.push_with(|state| unsafe { ffi::lua_pushvalue(state, index) });
    }

    /// A table with room for a list and for other keys.
    pub(crate) fn push_table(&mut self, list: usize, others: usize) -> Result<(), Raise> {
        let (list, others) = (list.min(ELEMENTS_MAX), others.min(ELEMENTS_MAX));
        if self.context.memory.lacks(list * 16 + others * 40) {
            return Err(Raise::Memory);
        }
        // SAFETY: there is room, and the sizes are ones that Lua can have.
        self.push_with(|state| unsafe { ffi::lua_createtable(state, list as c_int, others as c_int) });
        Ok(())
    }

    pub(crate) fn push_function(&mut self, function: Function) {
        self.push_closure(function, russet_lua_trampoline);
    }

    /// A function of C that has one of Rust as its upvalue.
    pub(super) fn push_closure(&mut self, function: Function, native: ffi::lua_CFunction) {
        // SAFETY: there is room for one value, which is all that is there at any time.
        self.push_with(|state| unsafe {
            ffi::lua_pushlightuserdata(state, function as *mut c_void);
            ffi::lua_pushcclosure(state, native, 1);
        });
    }

    /// Pops some values (not too many), and pushes a function that goes on having them: its upvalues.
    pub(crate) fn push_method(&mut self, function: Function, values: i32) {
        assert!((0..100).contains(&values) && self.top - values >= self.floor && self.room > 0);
        // SAFETY: the values are there, and room for the function's own upvalue, which goes below them.
        unsafe {
            ffi::lua_pushlightuserdata(self.state, function as *mut c_void);
            ffi::lua_insert(self.state, self.top - values + 1);
            ffi::lua_pushcclosure(self.state, russet_lua_trampoline, values + 1);
        }
        self.popped(values - 1);
    }

    /// Pushes an upvalue of the function that runs, which [`Stack::push_method`] made; they count from 0.
    pub(crate) fn push_upvalue(&mut self, index: i32) {
        assert!((0..100).contains(&index));
        // SAFETY: there is room. Lua makes nothing of an upvalue that is not there.
        self.push_with(|state| unsafe { ffi::lua_pushvalue(state, ffi::lua_upvalueindex(index + 2)) });
    }

    /// Pops a value, and makes it an upvalue of the function that runs.
    pub(crate) fn set_upvalue(&mut self, index: i32) {
        assert!((0..100).contains(&index) && self.top > self.floor);
        let slot = ffi::lua_upvalueindex(index + 2);
        // SAFETY: a value is on top. The function must have the upvalue, which is asked first.
        unsafe {
            assert!(ffi::lua_type(self.state, slot) != ffi::LUA_TNONE, "no such upvalue");
            ffi::lua_replace(self.state, slot);
        }
        self.popped(1);
    }

    /// Pushes options of `cjson`, to be the first upvalue of functions. Nothing else is ever such a value.
    pub(crate) fn push_options(&mut self, options: Options) {
        const { assert!(align_of::<Cell<Options>>() <= 8) };
        // SAFETY: there is room; the memory is as large as is asked for, and aligned as for anything in Lua.
        self.push_with(|state| unsafe {
            let place = ffi::lua_newuserdata(state, size_of::<Cell<Options>>());
            place.cast::<Cell<Options>>().write(Cell::new(options));
        });
    }

    /// The options that are the first upvalue of the function that runs.
    pub(crate) fn options(&self) -> &Cell<Options> {
        let slot = ffi::lua_upvalueindex(2);
        // SAFETY: of all values, only those of `push_options` are userdata with memory. The function has it as long as
        // it runs.
        unsafe {
            assert!(ffi::lua_type(self.state, slot) == ffi::LUA_TUSERDATA, "no options");
            &*ffi::lua_touserdata(self.state, slot).cast::<Cell<Options>>()
        }
    }

    // Removing and moving.

    pub(crate) fn set_top(&mut self, top: i32) {
        assert!(top >= self.floor && top <= self.top, "top {top}, floor {}, was {}", self.floor, self.top);
        // SAFETY: the slots are there, and nobody has borrowed them.
        unsafe { ffi::lua_settop(self.state, top) };
        self.room += self.top - top;
        self.top = top;
    }

    pub(crate) fn pop(&mut self, slots: i32) {
        self.set_top(self.top - slots);
    }

    /// Moves the value on top to below the one in a slot.
    pub(crate) fn insert(&mut self, index: i32) {
        assert!(index > self.floor && index <= self.top, "slot {index} is borrowed");
        // SAFETY: the slot is there, and nobody has borrowed it or one above it.
        unsafe { ffi::lua_insert(self.state, index) };
    }

    /// Moves the value on top to a slot, whose value is gone.
    pub(crate) fn replace(&mut self, index: i32) {
        assert!(index > self.floor && index < self.top, "slot {index} is borrowed");
        // SAFETY: the slot is there, and nobody has borrowed it.
        unsafe { ffi::lua_replace(self.state, index) };
        self.popped(1);
    }

    // Tables.

    /// Replaces the key on top by its value.
    pub(crate) fn get(&mut self, table: i32) -> Kind {
        assert!(self.top > self.floor);
        // SAFETY: the table is one, and there is a key.
        unsafe { ffi::lua_rawget(self.state, self.table(table)) };
        self.kind(self.top)
    }

    pub(crate) fn get_index(&mut self, table: i32, key: i32) -> Kind {
        let table = self.table(table);
        // SAFETY: the table is one, and there is room.
        self.push_with(|state| unsafe { ffi::lua_rawgeti_(state, table, key) });
        self.kind(self.top)
    }

    pub(crate) fn get_field(&mut self, table: i32, name: &str) -> Kind {
        self.push_bytes_anyway(name.as_bytes());
        self.get(table)
    }

    /// Sets the key below the top to the value on top, and pops both. Nothing happens if the key cannot be one.
    pub(crate) fn set(&mut self, table: i32) -> Result<(), Raise> {
        assert!(self.top - 2 >= self.floor);
        let key = self.top - 1;
        let is_key = match self.kind(key) {
            Kind::Nil | Kind::None => false,
            Kind::Number => self.number(key).is_some_and(|number| !number.is_nan()),
            _ => true,
        };
        assert!(is_key, "nil and NaN are no keys");
        // SAFETY: the table is one, and the key can be one.
        unsafe { ffi::lua_rawset(self.state, self.table(table)) };
        self.popped(2);
        self.check_memory()
    }

    /// Sets a key to the value on top, and pops that.
    pub(crate) fn set_index(&mut self, table: i32, key: i32) -> Result<(), Raise> {
        assert!(self.top > self.floor);
        // SAFETY: the table is one, and there is a value.
        unsafe { ffi::lua_rawseti_(self.state, self.table(table), key) };
        self.popped(1);
        self.check_memory()
    }

    pub(crate) fn set_field(&mut self, table: i32, name: &str) -> Result<(), Raise> {
        assert!(self.room > 0 && self.top > self.floor);
        self.push_bytes_anyway(name.as_bytes());
        // SAFETY: the two slots on top are there.
        unsafe { ffi::lua_insert(self.state, self.top - 1) };
        self.set(table)
    }

    /// Pushes the metatable of a value; false, and nothing pushed, if it has none.
    pub(crate) fn push_metatable(&mut self, index: i32) -> bool {
        let index = self.slot(index);
        self.push_nil();
        // SAFETY: the slot is there, and so is the one for the metatable, which the nil had.
        let there = unsafe {
            ffi::lua_settop(self.state, self.top - 1);
            ffi::lua_getmetatable(self.state, index) != 0
        };
        self.popped(i32::from(!there));
        there
    }

    /// Makes the table on top the metatable of another value, and pops it.
    pub(crate) fn set_metatable(&mut self, index: i32) {
        assert!(self.top > self.floor && self.kind(self.top) == Kind::Table);
        // SAFETY: the slot is there, and a table is on top.
        unsafe { ffi::lua_setmetatable(self.state, self.slot(index)) };
        self.popped(1);
    }

    // Calling.

    /// Calls the function below its `arguments`, all of which are replaced by `results` values, or by the error.
    pub(crate) fn call(&mut self, arguments: i32, results: i32) -> Result<(), Raise> {
        let result = self.call_with(arguments, results, 0);
        if self.context.killed().is_some() { Err(Raise::Killed) } else { result }
    }

    /// As [`Stack::call`], where below the function is another one that every error passes, even one that ends the
    /// script.
    pub(crate) fn call_handled(&mut self, arguments: i32, results: i32) -> Result<(), Raise> {
        let handler = self.top - arguments - 1;
        assert!(self.kind(handler) == Kind::Function);
        self.call_with(arguments, results, handler)
    }

    fn call_with(&mut self, arguments: i32, results: i32, handler: i32) -> Result<(), Raise> {
        let function = self.top - arguments;
        assert!(function > self.floor);
        let before = self.context.memory.enter();
        self.context.memory.leave(false);
        // SAFETY: the function and its arguments are there; the call is protected, so it does not raise.
        let status = unsafe { ffi::lua_pcall(self.state, arguments, results, handler) };
        self.context.memory.leave(before);
        let left = if status == 0 { results } else { 1 };
        self.popped(self.top - (function - 1 + left));
        if status == 0 { Ok(()) } else { Err(Raise::Value) }
    }

    /// A value as `tostring` has it, but for metamethods.
    pub(crate) fn described(&mut self, index: i32) -> Vec<u8> {
        match self.kind(index) {
            Kind::String | Kind::Number => self.text(index).to_vec(),
            Kind::Boolean => self.truth(index).to_string().into_bytes(),
            Kind::Nil | Kind::None => b"nil".to_vec(),
            kind => format!("{}: {:#x}", kind.name(), self.identity(index)).into_bytes(),
        }
    }
}

unsafe extern "C-unwind" {
    /// In `errors.c`: calls the function in Rust that is its upvalue.
    fn russet_lua_trampoline(state: *mut lua_State) -> c_int;
}

/// A number as a word of a command: as Redis writes it.
fn write_number(out: &mut Vec<u8>, number: f64) {
    if number.is_nan() {
        out.extend_from_slice(if number.is_sign_negative() { b"-nan" } else { b"nan" });
    } else if number == 0.0 {
        out.push(b'0');
    } else {
        base::num::write_f64(out, number);
    }
}

/// For `errors.c`: calls a function in Rust; negative if the value on top of the stack is to be raised.
///
/// A panic ends the process: it cannot get past this function, since that is `extern "C"`.
#[unsafe(no_mangle)]
extern "C" fn russet_lua_enter(state: *mut lua_State, function: *mut c_void) -> c_int {
    // SAFETY: the caller is a function of a state of ours, whose upvalue [`Stack::push_function`] made of a `Function`.
    let (context, function) = unsafe { (Context::of(state), std::mem::transmute::<*mut c_void, Function>(function)) };
    let before = context.memory.enter();
    // SAFETY: the function that runs has the stack for itself, and memory is inside.
    let mut stack = unsafe { Stack::new(state, context) };
    let outcome = match context.killed() {
        Some(_) if !std::ptr::fn_addr_eq(function, handle_error as Function) => Err(Raise::Killed),
        _ => function(&mut stack),
    };
    let results = outcome.unwrap_or_else(|raise| {
        raise.push(&mut stack);
        -1
    });
    context.memory.leave(before);
    results
}
