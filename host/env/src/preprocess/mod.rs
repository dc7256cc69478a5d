//! What is made ready before a test, in the order of the guide: one step a file, the list of them here.
//!
//! A step does nothing if the parameters do not ask for it. What a step makes is taken away by the
//! [postprocess](crate::postprocess), which runs also if a step failed or if nobody waited for its end.

mod command;
mod discs;
mod images;
mod machines;
mod requirements;
mod unrequested;

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use vthost_params::Params;

use crate::{Context, Environment, Unready, Vm, hugepages};

pub use command::RUN_DIR_VARIABLE;
pub(crate) use command::run as run_command;

/// What every step is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'t> {
    pub(crate) params: &'t Params,
    pub(crate) context: &'t Context,
    /// The machines that there are beside those of the environment that is made ready.
    pub(crate) beside: &'t [Arc<Vm>],
}

type Run = for<'a> fn(&'a mut Environment, &'a Task<'a>) -> BoxFuture<'a, Result<(), Unready>>;

/// One step: its name in the log, and what it does.
struct Step(&'static str, Run);

/// The steps, in order.
const STEPS: &[Step] = &[
    Step("requirements", |_, task| {
        Box::pin(requirements::check(task))
    }),
    Step("pre_command", |_, task| {
        Box::pin(async { Ok(run_command(task, "pre_command").await?) })
    }),
    Step("unrequested machines", |_, task| {
        Box::pin(unrequested::take_away(task))
    }),
    Step("huge pages", |_, task| {
        Box::pin(async { Ok(hugepages::reserve(task)?) })
    }),
    Step("discs", |_, task| Box::pin(discs::check(task))),
    Step("images", |env, task| Box::pin(images::make(env, task))),
    Step("machines", |env, task| Box::pin(machines::make(env, task))),
    Step("watchers", |env, task| {
        Box::pin(async { Ok(env.watches.start(&env.vms, task)?) })
    }),
];

/// Makes ready what a test adds to its environment: discs, images and machines, and nothing else.
pub(crate) async fn run_added(env: &mut Environment, task: &Task<'_>) -> Result<(), Unready> {
    discs::check(task).await?;
    images::make(env, task).await?;
    machines::make(env, task).await
}

/// Runs the steps until one fails.
pub(crate) async fn run(env: &mut Environment, task: &Task<'_>) -> Result<(), Unready> {
    for Step(name, run) in STEPS {
        let begun = Instant::now();
        let done = run(env, task).await;
        let took = begun.elapsed().as_millis();
        let word = if done.is_ok() { "done" } else { "failed" };
        let text = format!("preprocess: {name} {word} in {took} ms");
        task.context.log.debug(text);
        done?;
    }
    Ok(())
}
