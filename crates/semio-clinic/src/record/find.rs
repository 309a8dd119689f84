//! Lists of patients.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order as Direction, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr, UnionType},
};
use uuid::Uuid;

use super::{key::fold, right::visible};
use crate::store::{
    Store, StoreError,
    entity::{identifier, patient, patient::Model as Patient, person::Model as Person, study},
};

/// Whose patients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// The person's own, with those that were shared with a team that the person left.
    #[default]
    Mine,
    /// Those that are shared with the team.
    Team,
    /// Those of both that were deleted: whoever sees a record may restore it.
    Deleted,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Team => "team",
            Self::Deleted => "deleted",
        }
    }
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Family name, then given name.
    #[default]
    Name,
    /// Day of birth.
    Birth,
    /// Last change.
    Changed,
}

impl Order {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Birth => "birth",
            Self::Changed => "changed",
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Search {
    /// Beginning of a family or given name, or a whole identifier.
    pub(crate) q: String,
    pub(crate) scope: Scope,
    pub(crate) order: Order,
    /// Whether the order is turned round.
    pub(crate) down: bool,
    /// From 0.
    pub(crate) page: u64,
}

/// Rows of a page.
pub(crate) const PER_PAGE: u64 = 50;

/// The furthest row that a page can begin at.
pub(crate) const FURTHEST: u64 = 1_000_000;

/// A circle, whole or what somebody owns in it.
#[derive(Clone, Copy, Debug)]
struct Part {
    circle: Uuid,
    owner: Option<Uuid>,
}

impl Part {
    fn whole(circle: Uuid) -> Self {
        Self { circle, owner: None }
    }

    /// Its records, deleted or not.
    fn holds(self, deleted: bool) -> SimpleExpr {
        let of_circle = patient::Column::CircleId.eq(self.circle).and(standing(deleted));
        match self.owner {
            Some(owner) => of_circle.and(patient::Column::OwnerId.eq(owner)),
            None => of_circle,
        }
    }
}

impl Store {
    /// Where the records of a list lie.
    async fn parts(&self, who: &Person, scope: Scope) -> Result<Vec<Part>, StoreError> {
        let team = who.team_id.map(Part::whole);
        if scope == Scope::Team {
            return Ok(team.into_iter().collect());
        }
        let mut parts = vec![Part::whole(who.id)];
        parts.extend(team.filter(|_| scope == Scope::Deleted));
        parts.extend(self.left_behind(who).await?);
        Ok(parts)
    }

    /// What a person owns in circles of teams that the person is not in any more. An index gives one circle after the
    /// other, however many records lie in each.
    async fn left_behind(&self, who: &Person) -> Result<Vec<Part>, StoreError> {
        let (mut found, mut last) = (vec![], None);
        loop {
            let mut query = patient::Entity::find()
                .select_only()
                .column(patient::Column::CircleId)
                .filter(patient::Column::OwnerId.eq(who.id));
            if let Some(last) = last {
                query = query.filter(patient::Column::CircleId.gt(last));
            }
            let next: Option<Uuid> =
                query.order_by_asc(patient::Column::CircleId).limit(1).into_tuple().one(self.db()).await?;
            let Some(circle) = next else { return Ok(found) };
            if !who.circles().contains(&circle) {
                found.push(Part { circle, owner: Some(who.id) });
            }
            last = Some(circle);
        }
    }

    /// One page of patients, and how many there are in all.
    pub(crate) async fn patients(&self, who: &Person, search: &Search) -> Result<(Vec<Patient>, u64), StoreError> {
        let parts = self.parts(who, search.scope).await?;
        let deleted = search.scope == Scope::Deleted;
        let text = fold(&search.q);
        let typed: String = search.q.trim().chars().filter(|c| !c.is_control()).collect();
        let all = || Query::select().expr(Expr::cust("COUNT(*)")).to_owned();
        let (query, counting) = if text.is_empty() {
            let of_parts = || parts.iter().fold(Condition::any(), |any, part| any.add(part.holds(deleted)));
            if parts.is_empty() {
                return Ok((vec![], 0));
            }
            let counting = all().from(patient::Entity).cond_where(of_parts()).to_owned();
            (patient::Entity::find().filter(of_parts()), counting)
        } else {
            // The rows that were found and nothing else: a condition on the circle beside them would have SQLite read
            // the circle's whole index to see which are among them (230 ms of 100,000 patients).
            let Some(found) = matching(&parts, deleted, &text, &typed) else { return Ok((vec![], 0)) };
            let counting = all().from_subquery(found.clone(), "found").to_owned();
            (patient::Entity::find().filter(patient::Column::Id.in_subquery(found)), counting)
        };
        let total: i64 = match self.db().query_one(&counting).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        let column = match search.order {
            Order::Name => patient::Column::FamilyKey,
            Order::Birth => patient::Column::BirthDate,
            Order::Changed => patient::Column::ChangedAt,
        };
        let direction = if search.down { Direction::Desc } else { Direction::Asc };
        let rows = query
            .order_by(column, direction)
            .offset(Ord::min(search.page, FURTHEST / PER_PAGE) * PER_PAGE)
            .limit(PER_PAGE)
            .all(self.db())
            .await?;
        Ok((rows, total as u64))
    }

    /// Whether a number is another standing record's, of those that the person sees.
    pub(crate) async fn is_number_of_another(&self, who: &Person, id: Uuid, value: &str) -> Result<bool, StoreError> {
        let numbers = identifier::Entity::find().filter(identifier::Column::Value.eq(value)).all(self.db()).await?;
        self.is_another(who, id, numbers.into_iter().map(|number| number.patient_id)).await
    }

    /// Whether a study of that UID is another standing record's likewise.
    pub(crate) async fn is_study_of_another(&self, who: &Person, id: Uuid, uid: &str) -> Result<bool, StoreError> {
        let studies = study::Entity::find().filter(study::Column::InstanceUid.eq(uid)).all(self.db()).await?;
        self.is_another(who, id, studies.into_iter().map(|study| study.patient_id)).await
    }

    async fn is_another(
        &self,
        who: &Person,
        id: Uuid,
        among: impl IntoIterator<Item = Uuid>,
    ) -> Result<bool, StoreError> {
        let others: Vec<Uuid> = among.into_iter().filter(|other| *other != id).take(500).collect();
        let found = patient::Entity::find()
            .filter(patient::Column::Id.is_in(others))
            .filter(patient::Column::DeletedAt.is_null())
            .filter(visible(who));
        Ok(found.one(self.db()).await?.is_some())
    }

    /// Records that may be of the same person: same family name and day of birth, or the same identifier.
    pub(crate) async fn likely_duplicates(&self, who: &Person, of: &Patient) -> Result<Vec<Patient>, StoreError> {
        let family = fold(&of.family_name);
        let found = patient::Entity::find()
            .filter(patient::Column::CircleId.eq(of.circle_id))
            .filter(patient::Column::DeletedAt.is_null())
            .filter(patient::Column::BirthDate.eq(of.birth_date))
            .filter(patient::Column::Id.ne(of.id))
            .limit(200)
            .all(self.db())
            .await?;
        Ok(found.into_iter().filter(|p| who.sees(p) && fold(&p.family_name) == family).take(5).collect())
    }
}

fn standing(deleted: bool) -> SimpleExpr {
    if deleted { patient::Column::DeletedAt.is_not_null() } else { patient::Column::DeletedAt.is_null() }
}

/// Patients whose name begins so, or who have this identifier; `None` of no part. Each piece is answered from an index of
/// its own, which an `OR` between columns would not be.
fn matching(parts: &[Part], deleted: bool, text: &str, typed: &str) -> Option<SelectStatement> {
    let begins = |part: Part, column: patient::Column| {
        patient::Entity::find()
            .select_only()
            .column(patient::Column::Id)
            .filter(part.holds(deleted))
            .filter(column.gte(text))
            .filter(column.lt(format!("{text}\u{10ffff}")))
            .into_query()
    };
    let known_as = |part: Part| {
        Query::select()
            .column((patient::Entity, patient::Column::Id))
            .from(identifier::Entity)
            .inner_join(
                patient::Entity,
                Expr::col((patient::Entity, patient::Column::Id))
                    .equals((identifier::Entity, identifier::Column::PatientId)),
            )
            .and_where(Expr::col((identifier::Entity, identifier::Column::Value)).eq(typed))
            .and_where(part.holds(deleted))
            .to_owned()
    };
    let pieces = parts.iter().flat_map(|part| {
        [begins(*part, patient::Column::FamilyKey), begins(*part, patient::Column::GivenKey), known_as(*part)]
    });
    pieces.reduce(|mut found, piece| {
        found.union(UnionType::Distinct, piece);
        found
    })
}
