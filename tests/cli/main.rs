//! The whole program, run as its users run it.

mod benchmark;
mod clean;
mod common;
mod compare;
mod diverged;
mod errors;
mod evaluate;
mod events;
mod export;
mod folders;
mod hostile;
mod import;
mod names;
mod resume;
mod semi;
mod serve;
mod sweep;
mod verbs;
