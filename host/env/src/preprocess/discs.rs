//! The discs in CD drives: whether their files are those that the configuration means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vthost_params::Params;
use vthost_qemu::image::checksum::{self, Algorithm};

use super::Task;
use crate::{Error, ErrorKind, Result, Unready};

/// Checks the sums `md5sum_1m` (or, without it, `md5sum`) and `sha1sum` of each drive of `cdroms` with a disc, unless
/// `skip_hash = yes`. A disc that several machines have is read once.
pub(super) async fn check(task: &Task<'_>) -> Result<(), Unready> {
    let mut good = BTreeSet::new();
    for vm in task.params.objects("vms") {
        let of_vm = task.params.object(vm);
        for drive in of_vm.objects("cdroms") {
            let params = of_vm.object(drive);
            for (file, algorithm, sum) in sums(&params, &task.context.data_dir)? {
                let key = algorithm.key();
                if good.contains(&(file.clone(), key, sum.clone())) {
                    continue;
                }
                let checked = checksum::verify(&file, algorithm, &sum).await;
                checked.map_err(|error| {
                    let text = format!(
                        "{} in drive {drive} of {vm} is not the disc that its parameter {key} tells of",
                        file.display()
                    );
                    Error::caused(ErrorKind::Other, text, error)
                })?;
                good.insert((file, key, sum));
            }
        }
    }
    Ok(())
}

/// What has to be checked for a drive: file, kind of sum, and the sum.
fn sums(params: &Params, data_dir: &Path) -> Result<Vec<(PathBuf, Algorithm, String)>> {
    let disc = params.get_or("cdrom", "").trim();
    if disc.is_empty() || params.flag("skip_hash", false)? {
        return Ok(Vec::new());
    }
    let sum = |key| params.get(key).map(str::trim).filter(|sum| !sum.is_empty());
    let first_mib = sum("md5sum_1m").map(|sum| (Algorithm::Md5FirstMib, sum));
    let md5 = first_mib.or_else(|| Some((Algorithm::Md5, sum("md5sum")?)));
    let sha1 = sum("sha1sum").map(|sum| (Algorithm::Sha1, sum));
    Ok(md5
        .into_iter()
        .chain(sha1)
        .map(|(algorithm, sum)| (data_dir.join(disc), algorithm, sum.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::for_tests;

    /// RFC 1321, RFC 3174: the sums of `abc`.
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const OTHER: &str = "00000000000000000000000000000000";

    async fn checked(pairs: &[(&str, &str)]) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("abc.iso"), "abc").unwrap();
        let disc = [
            ("vms", "vm1"),
            ("cdroms", "cd1 empty"),
            ("cdrom_cd1", "abc.iso"),
        ];
        let params = Params::from_pairs(disc.into_iter().chain(pairs.iter().copied()));
        let task = Task {
            params: &params,
            context: &for_tests(dir.path()),
            beside: &[],
        };
        check(&task).await.map_err(|unready| unready.reason)
    }

    #[tokio::test]
    async fn a_disc_has_the_sums_of_its_parameters() {
        let good = [
            &[][..],
            &[("md5sum", MD5), ("sha1sum_cd1_vm1", SHA1)],
            &[("md5sum_cd1", OTHER), ("md5sum_1m_cd1", MD5)],
            &[("sha1sum", OTHER), ("skip_hash_cd1", "yes")],
        ];
        for pairs in good {
            assert_eq!(checked(pairs).await, Ok(()), "{pairs:?}");
        }
        for key in ["md5sum", "md5sum_1m"] {
            let error = checked(&[(key, OTHER)]).await.unwrap_err();
            for part in ["abc.iso", "cd1 of vm1", key, OTHER, MD5] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
        let error = checked(&[("sha1sum_cd1", OTHER)]).await.unwrap_err();
        assert!(error.contains("40 hexadecimal digits"), "{error}");
        let error = checked(&[("md5sum", MD5), ("cdrom_cd1", "none.iso")]).await;
        let error = error.unwrap_err();
        assert!(error.contains("none.iso"), "{error}");
    }
}
