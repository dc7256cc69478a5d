//! Machines that an earlier test left and this one does not name.

use super::Task;
use crate::Unready;

/// Takes them away, unless `keep_unrequested_vms = yes` (guide, `vms`: machines that are not listed are destroyed).
/// With `kill_unrequested_vms_gracefully = yes` their guests may shut down first.
pub(super) async fn take_away(task: &Task<'_>) -> Result<(), Unready> {
    let (params, context) = (task.params, task.context);
    if params.flag("keep_unrequested_vms", false)? {
        return Ok(());
    }
    let gracefully = params.flag("kill_unrequested_vms_gracefully", false)?;
    for vm in context.pool.take_others(&params.objects("vms")) {
        let text = format!("{} is taken away: this test does not name it", vm.name());
        context.log.info(text);
        if let Err(error) = vm.destroy(gracefully).await {
            // What an earlier test did to its machine is no matter of this one.
            context.log.warn(error.chain());
        }
    }
    Ok(())
}
