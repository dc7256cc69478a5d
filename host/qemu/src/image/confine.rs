//! What a tool may open: the images it was given, and nothing that an image names by itself.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    Access as _, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::reference::{ImageRef, Place, absolute};
use super::{Chain, ImageError};
use crate::confine::{DEVICES, READABLE, TESTED, allow, installation};

/// What is done with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It is read, and so are the images below it.
    Read,
    /// The same without the images below it.
    ReadAlone,
    /// It is written to; the images below it are read.
    Write,
    /// The same, and the images below it are not opened.
    WriteAlone,
    /// It and the images below it are written to.
    WriteAll,
}

/// Everything that one call of a tool may open.
#[derive(Debug, Default)]
pub(super) struct Files {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    ports: Vec<u16>,
}

impl Files {
    /// An image, and the files below it if they are opened, too.
    ///
    /// # Errors
    /// [`ImageError::Chain`] if the image builds on a file that is not one of [`ImageRef::backing`].
    pub(super) fn image(&mut self, image: &ImageRef, access: Access) -> Result<(), ImageError> {
        match &image.place {
            Place::File(path) => {
                let path = absolute(path)?;
                let chain = match access {
                    Access::ReadAlone | Access::WriteAlone => Chain::top(&path, image.format)?,
                    _ => Chain::read(&path, image.format, None)?,
                };
                chain.check_known(&image.backing)?;
                let below = image.backing.iter().map(|file| absolute(file));
                let below: Vec<PathBuf> = below.collect::<Result<_, _>>()?;
                let write = !matches!(access, Access::Read | Access::ReadAlone);
                self.list(write && !image.read_only).push(path);
                let data_file = chain
                    .members()
                    .iter()
                    .take(1)
                    .flat_map(|top| &top.data_file);
                self.list(write).extend(data_file.cloned());
                self.list(access == Access::WriteAll).extend(below);
            }
            Place::NbdUnix { socket, .. } => self.write.push(absolute(socket)?),
            Place::NbdTcp { port, .. } => self.ports.push(*port),
        }
        Ok(())
    }

    fn list(&mut self, write: bool) -> &mut Vec<PathBuf> {
        if write {
            &mut self.write
        } else {
            &mut self.read
        }
    }

    /// A file or directory that is written to.
    pub(super) fn written(&mut self, path: &Path) {
        self.write.push(path.to_owned());
    }

    /// The rules, if the kernel has Landlock.
    pub(super) fn rules(&self, program: &Path) -> Result<Option<RulesetCreated>, RulesetError> {
        let read = AccessFs::from_read(TESTED);
        let kinds =
            AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSym | AccessFs::MakeFifo;
        let write = AccessFs::from_all(TESTED) & !AccessFs::Execute & !kinds;
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(TESTED))?
            .handle_access(AccessNet::from_all(TESTED))?
            .scope(Scope::from_all(TESTED))?
            .create()?;
        for path in READABLE
            .iter()
            .map(PathBuf::from)
            .chain(installation(program))
        {
            rules = allow(rules, &path, read)?;
        }
        for path in &self.read {
            rules = allow(rules, path, read & !AccessFs::Execute)?;
        }
        for path in DEVICES
            .iter()
            .map(Path::new)
            .chain(self.write.iter().map(PathBuf::as_path))
        {
            rules = allow(rules, path, write)?;
        }
        for &port in &self.ports {
            rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        // Without Landlock in the kernel there is no descriptor behind the ruleset.
        let copy = rules.try_clone().ok().and_then(Option::<OwnedFd>::from);
        Ok(copy.map(|_| rules))
    }
}
