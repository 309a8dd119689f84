//! Lists of patients.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order as Direction, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::key::fold;
use crate::store::{
    Store, StoreError,
    entity::{identifier, patient, patient::Model as Patient, person::Model as Person},
};

/// Whose patients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// The person's own.
    #[default]
    Mine,
    /// Those that are shared with the team.
    Team,
    /// The person's own that were deleted.
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

impl Store {
    /// One page of patients, and how many there are in all.
    pub(crate) async fn patients(&self, who: &Person, search: &Search) -> Result<(Vec<Patient>, u64), StoreError> {
        let circle = match (search.scope, who.team_id) {
            (Scope::Team, None) => return Ok((vec![], 0)),
            (Scope::Team, Some(team)) => team,
            (Scope::Mine | Scope::Deleted, _) => who.id,
        };
        let deleted = search.scope == Scope::Deleted;
        let text = fold(&search.q);
        let typed: String = search.q.trim().chars().filter(|c| !c.is_control()).collect();
        let all = || Query::select().expr(Expr::cust("COUNT(*)")).to_owned();
        let (query, counting) = if text.is_empty() {
            let of_circle = || patient::Column::CircleId.eq(circle).and(standing(deleted));
            let counting = all().from(patient::Entity).and_where(of_circle()).to_owned();
            (patient::Entity::find().filter(of_circle()), counting)
        } else {
            // The rows that were found and nothing else: a condition on the circle beside them would have SQLite read
            // the circle's whole index to see which are among them (230 ms of 100,000 patients).
            let found = matching(circle, deleted, &text, &typed);
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
        let visible = who.circles();
        Ok(found
            .into_iter()
            .filter(|p| visible.contains(&p.circle_id) && fold(&p.family_name) == family)
            .take(5)
            .collect())
    }
}

fn standing(deleted: bool) -> sea_orm::sea_query::SimpleExpr {
    if deleted { patient::Column::DeletedAt.is_not_null() } else { patient::Column::DeletedAt.is_null() }
}

/// Patients whose name begins so, or who have this identifier. Each part is answered from an index of its own, which an
/// `OR` between columns would not be.
fn matching(circle: Uuid, deleted: bool, text: &str, typed: &str) -> SelectStatement {
    let begins = |column: patient::Column| {
        patient::Entity::find()
            .select_only()
            .column(patient::Column::Id)
            .filter(patient::Column::CircleId.eq(circle))
            .filter(standing(deleted))
            .filter(column.gte(text))
            .filter(column.lt(format!("{text}\u{10ffff}")))
            .into_query()
    };
    let known_as = Query::select()
        .column((patient::Entity, patient::Column::Id))
        .from(identifier::Entity)
        .inner_join(
            patient::Entity,
            Expr::col((patient::Entity, patient::Column::Id))
                .equals((identifier::Entity, identifier::Column::PatientId)),
        )
        .and_where(Expr::col((identifier::Entity, identifier::Column::Value)).eq(typed))
        .and_where(patient::Column::CircleId.eq(circle))
        .and_where(standing(deleted))
        .to_owned();
    let mut found = begins(patient::Column::FamilyKey);
    found.union(UnionType::Distinct, begins(patient::Column::GivenKey));
    found.union(UnionType::Distinct, known_as);
    found
}
