//! The way through a file of MISP's down to its attributes: one event, a list of them, what `restSearch` answers, objects within
//! events. Keys come in any order, so an event's head is known only behind its attributes: files are walked twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::ops::ControlFlow;

use super::super::json::{self, Allowance, Document, Each, Skip};
use super::super::loose::{Scalar, Texts};
use super::head::{Heads, RawHead};

/// Where an attribute stands: counted from 1, 0 where it stands in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stands {
    /// In which event.
    pub(super) event: usize,
    /// In which object.
    pub(super) object: usize,
}

/// What is told of a file.
pub(super) enum Told<'a> {
    /// The heads of its events, and which of its objects are deleted.
    Heads(&'a mut Heads),
    /// Its attributes.
    Attributes(&'a mut dyn FnMut(Stands, &RawValue) -> ControlFlow<()>),
}

/// A whole file; the counting goes on from one document to the next.
pub(super) struct Walk<'a> {
    told: Told<'a>,
    events: usize,
    objects: usize,
}

impl<'a> Walk<'a> {
    /// That tells this.
    pub(super) fn new(told: Told<'a>) -> Walk<'a> {
        Walk { told, events: 0, objects: 0 }
    }
}

impl Document for Walk<'_> {
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
        Node { walk: self, allowance, is: Is::Above, stands: Stands::default() }.deserialize(document)
    }
}

/// What an object in the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// Something above events.
    Above,
    /// An event.
    Event,
    /// An object of MISP's: attributes that belong together.
    Object,
}

/// One object or array anywhere above the attributes.
struct Node<'a, 'b> {
    walk: &'a mut Walk<'b>,
    allowance: &'a Allowance,
    is: Is,
    stands: Stands,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or array of MISP's")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Node { walk, allowance, is, stands } = self;
        loop {
            allowance.renew();
            if array.next_element_seed(Node { walk: &mut *walk, allowance, is, stands })?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Node { walk, allowance, is, mut stands } = self;
        match is {
            // What stands above events may be one itself: PyMISP writes an event without saying that it is one.
            Is::Above | Is::Event => {
                walk.events += 1;
                stands = Stands { event: walk.events, object: 0 };
            }
            Is::Object => {
                walk.objects += 1;
                stands.object = walk.objects;
            }
        }
        let mut head = RawHead::default();
        let (mut is_deleted, mut words) = (false, Vec::new());
        while let Some(key) = object.next_key::<String>()? {
            match (key.as_str(), is) {
                ("Attribute", _) => {
                    let mut take = |raw: &RawValue| match &mut walk.told {
                        Told::Attributes(take) => take(stands, raw),
                        Told::Heads(_) => ControlFlow::Continue(()),
                    };
                    object.next_value_seed(Each { allowance, take: &mut take })?;
                }
                ("response", _) => {
                    object.next_value_seed(Node { walk: &mut *walk, allowance, is: Is::Above, stands })?;
                }
                ("Event", Is::Above) => {
                    object.next_value_seed(Node { walk: &mut *walk, allowance, is: Is::Event, stands })?;
                }
                ("Object", _) => {
                    object.next_value_seed(Node { walk: &mut *walk, allowance, is: Is::Object, stands })?;
                }
                ("comment", Is::Object) => words.extend(object.next_value::<Texts>()?.0),
                ("deleted", Is::Object) => is_deleted |= flag(&object.next_value::<Box<RawValue>>()?),
                (key, Is::Above | Is::Event) if RawHead::has(key) && matches!(walk.told, Told::Heads(_)) => {
                    head.add(key, &object.next_value::<Box<RawValue>>()?);
                }
                // Proposals by others (ShadowAttribute) are no word of the event's, nor is what it is related to.
                _ => object.next_value_seed(Skip(allowance))?,
            }
            allowance.renew();
        }
        if let Told::Heads(heads) = &mut walk.told {
            if is != Is::Object {
                heads.add(stands.event, head);
            }
            if is_deleted {
                heads.add_deleted(stands.object);
            }
            words.iter().for_each(|words| heads.add_words(stands.object, words));
            heads.check().map_err(A::Error::custom)?;
        }
        Ok(())
    }

    json::pass_over_scalars!();
}

/// Whether a value says yes.
fn flag(raw: &RawValue) -> bool {
    serde_json::from_str::<Scalar>(raw.get()).is_ok_and(|scalar| scalar.is_true())
}
