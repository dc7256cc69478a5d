//! Macros for the log and for the end of a test.

use crate::Level;

/// Writes a line to the log of the test. The macros [`debug!`](crate::debug), [`info!`](crate::info),
/// [`warn!`](crate::warn) and [`error!`](crate::error) format it.
pub fn log(level: Level, message: &str) {
    crate::bindings::vthost::core::log::write(level, message);
}

/// Logs what helps to find a defect.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)+) => { $crate::log($crate::Level::Debug, &::std::format!($($arg)+)) };
}

/// Logs the course of the test.
#[macro_export]
macro_rules! info {
    ($($arg:tt)+) => { $crate::log($crate::Level::Info, &::std::format!($($arg)+)) };
}

/// Logs something that a person should look at. It does not change the status: see [`bail_warn!`](crate::bail_warn).
#[macro_export]
macro_rules! warn {
    ($($arg:tt)+) => { $crate::log($crate::Level::Warn, &::std::format!($($arg)+)) };
}

/// Logs something that went wrong. It does not change the status: see [`bail_error!`](crate::bail_error).
#[macro_export]
macro_rules! error {
    ($($arg:tt)+) => { $crate::log($crate::Level::Error, &::std::format!($($arg)+)) };
}

/// Ends the test with FAIL: what it tests does not work. Similar to `test.fail()` in Avocado-VT.
#[macro_export]
macro_rules! bail_fail {
    ($($arg:tt)+) => { return ::std::result::Result::Err($crate::Outcome::fail(::std::format!($($arg)+))) };
}

/// Ends the test with ERROR: it could not decide. Similar to `test.error()`.
#[macro_export]
macro_rules! bail_error {
    ($($arg:tt)+) => { return ::std::result::Result::Err($crate::Outcome::error(::std::format!($($arg)+))) };
}

/// Ends the test with CANCEL: its conditions do not hold here. Similar to `test.cancel()`.
#[macro_export]
macro_rules! bail_cancel {
    ($($arg:tt)+) => { return ::std::result::Result::Err($crate::Outcome::cancel(::std::format!($($arg)+))) };
}

/// Ends the test with SKIP. Similar to `test.skip()`.
#[macro_export]
macro_rules! bail_skip {
    ($($arg:tt)+) => { return ::std::result::Result::Err($crate::Outcome::skip(::std::format!($($arg)+))) };
}

/// Ends the test with WARN: it passed, and a person should look at something.
#[macro_export]
macro_rules! bail_warn {
    ($($arg:tt)+) => { return ::std::result::Result::Err($crate::Outcome::warn(::std::format!($($arg)+))) };
}

/// Ends the test with FAIL unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        if !$condition {
            $crate::bail_fail!("it does not hold that {}", ::std::stringify!($condition));
        }
    };
    ($condition:expr, $($arg:tt)+) => {
        if !$condition {
            $crate::bail_fail!($($arg)+);
        }
    };
}
