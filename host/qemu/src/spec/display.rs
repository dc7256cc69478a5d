//! Video and where it is shown.

use serde::Serialize;

/// Video adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Vga {
    /// No adapter; screendumps fail.
    None,
    /// Bochs VGA, known to every guest.
    Std,
    /// Cirrus Logic GD5446.
    Cirrus,
    /// virtio-vga; where there is no VGA, virtio-gpu.
    Virtio,
    /// QXL.
    Qxl,
    /// VMware SVGA II.
    Vmware,
    /// A framebuffer in RAM, for boards without VGA.
    Ramfb,
}

/// Where the screen is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Display {
    /// Nowhere.
    None,
    /// VNC on a UNIX socket in the run directory: [`crate::Machine::vnc_socket`].
    VncUnix,
    /// VNC on a port of 127.0.0.1. QEMU takes the first free one from 5900 to 6900.
    VncPort {
        /// Ask for a password, which is set by the monitor.
        password: bool,
    },
    /// SPICE on a UNIX socket in the run directory.
    Spice(Spice),
    /// A window of the host's desktop.
    Sdl,
}

/// Options of SPICE.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Spice {
    /// Ask for this password. Default: none.
    pub password: Option<String>,
    /// Further options by QEMU's names: `image-compression`, `jpeg-wan-compression`, ...
    pub options: Vec<(String, String)>,
}
