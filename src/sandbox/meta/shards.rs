//! A map that many snapshots may share: cloning costs one pointer a group of shards, changing costs one group and one
//! shard.
//!
//! A database of 20,000 tables holds some 100,000 objects; a statement that creates one more must not copy them all,
//! and a reader that holds yesterday's catalogue must not stop the writer.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Shards of a map: so many groups of so many.
const GROUPS: usize = 64;

/// Shards of a group.
const SHARDS: usize = 64;

/// One shard: a small map of shared values.
type Shard<K, V> = Arc<BTreeMap<K, Arc<V>>>;

/// Shards that are copied together when one of them changes.
type Group<K, V> = Arc<Vec<Shard<K, V>>>;

/// A copy-on-write map. Iteration is in no useful order: sort what is shown.
#[derive(Debug)]
pub struct Shards<K, V> {
    groups: Vec<Group<K, V>>,
    len: usize,
}

impl<K, V> Clone for Shards<K, V> {
    fn clone(&self) -> Self {
        Shards { groups: self.groups.clone(), len: self.len }
    }
}

impl<K: Ord + Hash + Clone, V> Default for Shards<K, V> {
    fn default() -> Self {
        let empty: Shard<K, V> = Arc::default();
        let group = Arc::new(vec![empty; SHARDS]);
        Shards { groups: vec![group; GROUPS], len: 0 }
    }
}

/// The group and the shard of a key.
fn place_of<Q: Hash + ?Sized>(key: &Q) -> (usize, usize) {
    // The default hasher with its fixed keys: the same in every process, and hostile names cost one long shard at worst.
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    key.hash(&mut hasher);
    let hash = hasher.finish() as usize;
    (hash % GROUPS, hash / GROUPS % SHARDS)
}

impl<K: Ord + Hash + Clone, V> Shards<K, V> {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&Arc<V>> {
        let (group, shard) = place_of(key);
        self.groups[group][shard].get(key)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    fn shard_mut(&mut self, key: &K) -> &mut BTreeMap<K, Arc<V>> {
        let (group, shard) = place_of(key);
        Arc::make_mut(&mut Arc::make_mut(&mut self.groups[group])[shard])
    }

    /// Puts a value; gives back the old one.
    pub fn insert(&mut self, key: K, value: Arc<V>) -> Option<Arc<V>> {
        let old = self.shard_mut(&key).insert(key, value);
        if old.is_none() {
            self.len += 1;
        }
        old
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<Arc<V>> {
        if !self.contains(key) {
            return None;
        }
        let old = self.shard_mut(key).remove(key);
        self.len -= 1;
        old
    }

    /// Everything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Arc<V>)> {
        self.groups.iter().flat_map(|g| g.iter()).flat_map(|s| s.iter())
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &Arc<V>> {
        self.iter().map(|(_, v)| v)
    }

    /// The keys whose value differs between `self` (before) and `after`, with the value before.
    /// Shards that nobody touched are not looked into.
    pub fn changed(&self, after: &Self) -> Vec<(K, Option<Arc<V>>)> {
        let mut out = Vec::new();
        let touched = self.groups.iter().zip(&after.groups).filter(|(a, b)| !Arc::ptr_eq(a, b));
        for (before, now) in touched.flat_map(|(a, b)| a.iter().zip(b.iter())) {
            if Arc::ptr_eq(before, now) {
                continue;
            }
            for (key, value) in before.iter() {
                if now.get(key).is_none_or(|n| !Arc::ptr_eq(n, value)) {
                    out.push((key.clone(), Some(value.clone())));
                }
            }
            for key in now.keys().filter(|k| !before.contains_key(*k)) {
                out.push((key.clone(), None));
            }
        }
        out
    }
}

impl<K: Ord + Hash + Clone, V> FromIterator<(K, Arc<V>)> for Shards<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, Arc<V>)>>(entries: I) -> Self {
        let mut out = Shards::default();
        for (key, value) in entries {
            out.insert(key, value);
        }
        out
    }
}

impl<K: Serialize + Ord + Hash + Clone, V: Serialize> Serialize for Shards<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(k, v)| (k, v.as_ref())))
    }
}

impl<'de, K: Ord + Hash + Clone + DeserializeOwned, V: DeserializeOwned> Deserialize<'de> for Shards<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries: Vec<(K, V)> = Vec::deserialize(deserializer)?;
        Ok(entries.into_iter().map(|(k, v)| (k, Arc::new(v))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_does_not_see_later_changes_and_the_difference_is_exact() {
        let mut map: Shards<i32, String> = Shards::default();
        for n in 0..1000 {
            map.insert(n, Arc::new(n.to_string()));
        }
        let before = map.clone();
        map.insert(7, Arc::new("seven".into()));
        map.insert(2000, Arc::new("new".into()));
        map.remove(&9);
        assert_eq!(before.get(&7).unwrap().as_str(), "7");
        assert_eq!((before.len(), map.len()), (1000, 1000));
        let mut changed = before.changed(&map);
        changed.sort();
        assert_eq!(
            changed,
            vec![(7, Some(Arc::new("7".to_string()))), (9, Some(Arc::new("9".to_string()))), (2000, None)]
        );
    }

    #[test]
    fn it_survives_json() {
        let map: Shards<String, i32> =
            [("a".to_string(), Arc::new(1)), ("b".to_string(), Arc::new(2))].into_iter().collect();
        let text = serde_json::to_string(&map).unwrap();
        let back: Shards<String, i32> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.len(), 2);
        assert_eq!(back.get(&"b".to_string()).map(|v| **v), Some(2));
    }
}
