//! The whole program, run as its users run it.

mod common;
mod errors;
mod evaluate;
mod folders;
mod resume;
mod semi;
mod serve;
mod verbs;
