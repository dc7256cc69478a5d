//! What is done after a test, in the order of the guide: one step a file, the list of them here.
//!
//! Every step runs, whatever the test did and whatever the steps before it met. `_on_error` is seen by every step: after
//! a test that did not pass, `<key>_on_error` overrides `<key>` (guide, section on the postprocessor).

mod alive;
mod dmesg;
mod images;
mod machines;
mod pictures;
mod responsive;
mod sockets;

use std::time::Instant;

use futures::future::BoxFuture;
use vthost_params::Params;

use crate::preprocess::{Task, run_command};
use crate::{Context, Environment, hugepages, leak};

/// What every step is given.
#[derive(Debug, Clone, Copy)]
struct After<'t> {
    params: &'t Params,
    context: &'t Context,
    passed: bool,
}

/// What went wrong in a step.
type Problems = Vec<String>;

type Run = for<'a> fn(&'a Environment, &'a After<'a>) -> BoxFuture<'a, Problems>;

/// One step: its name in the log, and what it does.
struct Step(&'static str, Run);

/// The steps, in order.
const STEPS: &[Step] = &[
    Step("guests", |env, after| Box::pin(alive::check(env, after))),
    Step("kernel logs", |env, after| {
        Box::pin(dmesg::check(env, after))
    }),
    Step("machines", |env, after| Box::pin(machines::end(env, after))),
    Step("images", |env, after| Box::pin(images::end(env, after))),
    Step("pictures", |env, after| Box::pin(pictures::end(env, after))),
    Step("unresponsive machines", |env, after| {
        Box::pin(responsive::end(env, after))
    }),
    Step("post_command", |_, after| Box::pin(post_command(after))),
    Step("kept machines", |env, after| {
        Box::pin(async { machines::keep(env, after) })
    }),
    Step("huge pages", |_, after| {
        Box::pin(async { give_back(after) })
    }),
    Step("leftovers", |env, after| {
        Box::pin(async {
            let mut problems = sockets::left(env);
            problems.extend(leak::end_all(&after.context.pool).await);
            problems
        })
    }),
];

/// Runs all steps and gives what went wrong.
pub(crate) async fn run(
    env: &Environment,
    params: &Params,
    context: &Context,
    passed: bool,
) -> Vec<String> {
    run_steps(env, params, context, passed, |_| true).await
}

/// Takes away what a test added to its environment: what is done once for a test is not done for it.
pub(crate) async fn run_added(
    env: &Environment,
    params: &Params,
    context: &Context,
    passed: bool,
) -> Vec<String> {
    let is_once = |name: &str| {
        matches!(
            name,
            "post_command" | "pictures" | "huge pages" | "leftovers"
        )
    };
    run_steps(env, params, context, passed, |name| !is_once(name)).await
}

async fn run_steps(
    env: &Environment,
    params: &Params,
    context: &Context,
    passed: bool,
    wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    let params = if passed {
        params.clone()
    } else {
        params.on_error()
    };
    let after = After {
        params: &params,
        context,
        passed,
    };
    let mut problems = Vec::new();
    for Step(name, run) in STEPS.iter().filter(|Step(name, _)| wanted(name)) {
        let begun = Instant::now();
        let found = run(env, &after).await;
        let took = begun.elapsed().as_millis();
        let word = if found.is_empty() { "done" } else { "failed" };
        let text = format!("postprocess: {name} {word} in {took} ms");
        context.log.debug(text);
        problems.extend(found);
    }
    problems
}

/// Gives huge pages back, unless `hugepages_deallocate = no` leaves them to the next test; the end of the job does it then.
fn give_back(after: &After<'_>) -> Problems {
    let deallocate = after.params.flag("hugepages_deallocate", true);
    let done = match deallocate {
        Ok(false) => Ok(()),
        Ok(true) => hugepages::give_back(after.context.pool.dir()),
        Err(error) => Err(error.into()),
    };
    done.err().map(|error| error.chain()).into_iter().collect()
}

async fn post_command(after: &After<'_>) -> Problems {
    let task = Task {
        params: after.params,
        context: after.context,
        beside: &[],
    };
    let ran = run_command(&task, "post_command").await;
    ran.err().map(|error| error.chain()).into_iter().collect()
}
