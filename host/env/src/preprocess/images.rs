//! Images that are made before the test.

use vthost_params::{Origin, Params};

use super::Task;
use crate::error::check_name;
use crate::image::{Made, check_allowed, create_args, tool};
use crate::spec::base_image;
use crate::{Environment, Error, ErrorKind, Result, Unready};

/// `create_image`: the image is made if it is not there. `force_create_image`: also in place of one that is. With
/// `skip_image_processing = yes` neither. What becomes of them: [`Made`].
pub(super) async fn make(env: &mut Environment, task: &Task<'_>) -> Result<(), Unready> {
    for vm in task.params.objects("vms") {
        let of_vm = task.params.object(vm);
        for image in of_vm.objects("images") {
            check_name("machine", vm)?;
            check_name("image", image)?;
            make_one(env, task, vm, &of_vm.object(image)).await?;
        }
    }
    Ok(())
}

async fn make_one(env: &mut Environment, task: &Task<'_>, vm: &str, params: &Params) -> Result<()> {
    let force = params.flag("force_create_image", false)?;
    let create = params.flag("create_image", false)?;
    if params.flag("skip_image_processing", false)? || !(force || create) {
        return Ok(());
    }
    let context = task.context;
    let (place, format) = base_image(params, &context.data_dir)?;
    let is_made = env.made.iter().any(|made| made.stands_for(&place));
    if is_made || (place.exists() && !force) {
        return Ok(());
    }
    let (tool, new) = (tool(params)?, create_args(params, place, format)?);
    let place = &new.path;
    let made = if params.flag("remove_image", true)? {
        let dir = context.pool.new_dir()?;
        let name = format!("{vm}-{}", params.object_name());
        Made::transient(&tool, new, dir, &name).await?
    } else {
        let beside = place.parent().unwrap_or(place);
        check_allowed(beside, params, context)?;
        let forced = params.origin("force_create_image");
        if place.exists() && !context.host_files && forced.is_some_and(Origin::is_from_provider) {
            let text = format!(
                "{} is there and would be replaced (force_create_image = yes and remove_image = no); to allow it: --grant host-files",
                place.display()
            );
            return Err(Error::new(ErrorKind::AccessDenied, text));
        }
        Made::lasting(&tool, new).await?
    };
    let text = format!(
        "made the image {} of {vm}: {}, {}",
        params.object_name(),
        params.get_or("image_size", "10G"),
        made.file().display()
    );
    context.log.info(text);
    env.made.push(made);
    Ok(())
}
