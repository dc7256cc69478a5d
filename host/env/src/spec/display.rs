//! Video and where it is shown.

use vthost_params::Params;
use vthost_qemu::MachineSpec;
use vthost_qemu::spec::{Display, Spice, Vga};

use super::text;
use crate::Result;

/// SPICE has one channel for each card; clients know four screens, and QEMU sixteen.
const MOST_QXL: u8 = 16;

/// Options of SPICE with the keys that set them.
const SPICE: [(&str, &str); 3] = [
    ("spice_image_compression", "image-compression"),
    ("spice_streaming_video", "streaming-video"),
    ("spice_agent_mouse", "agent-mouse"),
];

pub(super) fn read(spec: &mut MachineSpec, params: &Params) -> Result<()> {
    let adapters = ["std", "cirrus", "virtio", "qxl", "vmware", "ramfb", "none"];
    spec.vga = match params.word("vga", "std", &adapters)? {
        "none" => Vga::None,
        "cirrus" => Vga::Cirrus,
        "virtio" => Vga::Virtio,
        "qxl" => Vga::Qxl,
        "vmware" => Vga::Vmware,
        "ramfb" => Vga::Ramfb,
        _ => Vga::Std,
    };
    if spec.vga == Vga::Qxl {
        // The guide: cards beside the first one are further screens.
        let cards = params.number_in("qxl_dev_nr", 1_u8, 1..=MOST_QXL)?;
        spec.more_screens = cards - 1;
    }
    let displays = ["vnc", "nographic", "none", "spice", "sdl"];
    spec.display = match params.word("display", "vnc", &displays)? {
        "nographic" | "none" => Display::None,
        "sdl" => Display::Sdl,
        "spice" => Display::Spice(Spice {
            password: text(params, "spice_password").map(str::to_owned),
            options: SPICE
                .into_iter()
                .filter_map(|(key, option)| {
                    Some((option.to_owned(), text(params, key)?.to_owned()))
                })
                .collect(),
        }),
        _ if params.flag("vnc_password", false)? => Display::VncPort { password: true },
        _ => Display::VncUnix,
    };
    Ok(())
}
