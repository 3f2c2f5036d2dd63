-- Two years of history: $POSTS$ posts of 240 instances, in Chinese. Few failed, were missed, cancelled or are unknown; a
-- day's posts are still to come. The words are put together at random with a fixed seed.
SELECT setseed(0.42);
INSERT INTO instances (wc_id, w_id, name, groups, online, online_since)
SELECT 'wxid_h' || g, 'w' || g, (ARRAY['杭州','上海','北京','广州','成都','武汉','西安','南京'])[1 + g % 8] || '门店' || g, ARRAY['g' || g % 12],
    g % 17 <> 0, now() - interval '30 days' FROM generate_series(1, 240) g;
ALTER TABLE posts DISABLE TRIGGER posts_search_added;
DROP INDEX IF EXISTS post_search_idx;
INSERT INTO posts (instance_id, state, due_at, max_lateness, miss_at, content, title, description, url, thumb_url, visibility, author, source,
    moment_id, attempt, claim_token, intent_at, finished_at, created_at, updated_at)
SELECT 1 + g % 240, s.state::post_state, t.due, '30 minutes', t.due + interval '30 minutes',
    w.season || w.what || '：' || w.verb || '，' || w.offer || '，数量有限，先到先得。' || w.place || '同步开售，' || w.what || w.tail || CASE WHEN g % 50021 = 7 THEN '鸢尾限定' ELSE '' END,
    w.season || w.what || w.verb, w.offer || ' ' || w.place,
    'https://shop.example.com/p/' || (g::bigint * 7919) % 1000000 || '?utm_campaign=c' || g % 300, 'https://cdn.example.com/t/' || g % 5000 || '.jpg', 'everyone',
    CASE WHEN g % 1009 = 0 THEN '临时工' ELSE (ARRAY['lin','wang','zhao','chen','程序'])[1 + (g / 3) % 5] END,
    CASE WHEN g % 503 = 0 THEN 'import' WHEN g % 5 = 4 THEN 'api' ELSE 'web' END,
    CASE WHEN s.state = 'sent' THEN (14000000000000000000 + g)::text END, (s.state IN ('sent', 'failed', 'unknown'))::int, g,
    CASE WHEN s.state IN ('sent', 'failed', 'unknown') THEN t.due + random() * interval '900 milliseconds' END,
    CASE WHEN s.state IN ('sent', 'failed') THEN t.due + interval '2 seconds' END, t.due - interval '3 days', t.due
FROM generate_series(1, $POSTS$) g
CROSS JOIN LATERAL (SELECT now() + interval '1 day' - (g::float8 / $POSTS$) * interval '730 days' AS due) t
CROSS JOIN LATERAL (SELECT CASE WHEN t.due > now() THEN 'scheduled' WHEN g % 400 = 1 THEN 'failed' WHEN g % 2000 = 2 THEN 'unknown'
    WHEN g % 500 = 3 THEN 'missed' WHEN g % 60 = 4 THEN 'cancelled' ELSE 'sent' END AS state) s
CROSS JOIN LATERAL (SELECT
    (ARRAY['春季','夏日','金秋','冬至','端午','中秋','国庆','新年'])[1 + floor(random() * 8 + g * 0)::int] AS season,
    (ARRAY['明前龙井','手工汉服','亲子课程','坚果礼盒','羊绒围巾','智能手表','有机蔬菜','海鲜拼盘','儿童绘本','露营装备','面膜套装','咖啡豆'])[1 + floor(random() * 12 + g * 0)::int] AS what,
    (ARRAY['今日开售','限时返场','会员专享','新品上市','清仓特惠','预约有礼'])[1 + floor(random() * 6 + g * 0)::int] AS verb,
    (ARRAY['下单立减三十元','买二送一','满三百减五十','扫码领券','免费试用七天','转发集赞换好礼'])[1 + floor(random() * 6 + g * 0)::int] AS offer,
    (ARRAY['杭州西湖店','上海静安店','北京朝阳店','广州天河店','成都春熙店','武汉江汉店'])[1 + floor(random() * 6 + g * 0)::int] AS place,
    (ARRAY['老顾客都说好🎉','送礼自用两相宜','错过再等一年','详情见卡片','欢迎到店品鉴','客服在线答疑'])[1 + floor(random() * 6 + g * 0)::int] AS tail OFFSET 0) w;
INSERT INTO post_search (post_id, body, marks)
SELECT id, search_body(content, title, description, url), search_marks(due_at, instance_id, author, source) FROM posts ORDER BY id DESC;
SET maintenance_work_mem = '512MB';
CREATE INDEX post_search_idx ON post_search USING gin ((search_grams(body) || marks)) WITH (gin_pending_list_limit = 1024);
ALTER INDEX post_search_idx ALTER COLUMN 1 SET STATISTICS 0;
ALTER TABLE posts ENABLE TRIGGER posts_search_added;
INSERT INTO attempts (post_id, number, started_at, duration, replica, verdict, cause, request, reply, http_status)
SELECT id, 1, intent_at, '700 milliseconds', 'r1', CASE WHEN state = 'failed' THEN 'rejected' ELSE 'in_doubt' END, CASE WHEN state = 'failed' THEN 'code_1001' ELSE 'timeout' END, '{}', '{"code":"1001"}', 200
FROM posts WHERE state IN ('failed', 'unknown');
